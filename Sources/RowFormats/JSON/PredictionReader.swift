import CSimdJSON

/// Reads rows to predict from a JSON document: one `{"features":{…}}`, or many as `{"predictions":[{"features":{…}}]}`.
public struct PredictionReader: Sendable {
  private let schema: RowSchema
  private let limits: RowLimits?

  /// Creates a reader for rows of `schema`.
  ///
  /// - Parameters:
  ///   - schema: the features.
  ///   - limits: what a document of many rows may expand to.
  public init(schema: RowSchema, limits: RowLimits? = nil) {
    self.schema = schema
    self.limits = limits
  }

  /// Reads a document of one row.
  ///
  /// - Throws: ``SyntaxProblem`` if it is not JSON; ``InputProblems`` with pointers such as `/features/age` if any value
  ///   is refused.
  public func readOne(_ body: RawSpan) throws -> RowBatch {
    let buffer = RowBuffer(schema: schema, labelled: false)
    let handle = try buffer.handle()
    try body.withUnsafeBytes { vj_read_row(handle, $0.baseAddress, $0.count) }.check()
    _ = try buffer.finish { problem, name, found in
      InputProblem(
        pointer: pointer(problem, name, row: ""), detail: detail(problem, name, found: found, schema: schema))
    }
    return try buffer.takeBatch()
  }

  /// Reads a document of one row in an array of bytes.
  public func readOne(_ body: [UInt8]) throws -> RowBatch {
    try readOne(body.span.bytes)
  }

  /// Reads a document of many rows.
  ///
  /// - Throws: ``SyntaxProblem`` if it is not JSON; ``InputProblems`` with pointers such as
  ///   `/predictions/3/features/age` if any value is refused; ``TooManyRows``, and what ``RowLimits/reserve`` throws.
  public func readBatch(_ body: RawSpan) throws -> RowBatch {
    try readEnvelope("predictions", of: body, schema: schema, labelled: false, limits: limits).rows
  }

  /// Reads a document of many rows in an array of bytes.
  public func readBatch(_ body: [UInt8]) throws -> RowBatch {
    try readBatch(body.span.bytes)
  }
}
