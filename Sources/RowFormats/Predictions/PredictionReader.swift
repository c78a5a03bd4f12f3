import CSimdJSON

/// Reads rows to predict: one `{"features":{…}}`, or many as `{"predictions":[{"features":{…}}]}`.
public struct PredictionReader: Sendable {
  private let schema: RowSchema

  /// Reads rows of this schema.
  public init(schema: RowSchema) {
    self.schema = schema
  }

  /// The body's one row. Throws `SyntaxProblem`, or `InputProblems` with pointers such as `/features/age`.
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

  /// The same for an array of bytes.
  public func readOne(_ body: [UInt8]) throws -> RowBatch {
    try readOne(body.span.bytes)
  }

  /// All rows of a batch, in its order. Throws as `readOne`, with pointers such as `/predictions/3/features/age`.
  public func readBatch(_ body: RawSpan) throws -> RowBatch {
    try readEnvelope("predictions", of: body, schema: schema, labelled: false).rows
  }

  /// The same for an array of bytes.
  public func readBatch(_ body: [UInt8]) throws -> RowBatch {
    try readBatch(body.span.bytes)
  }
}
