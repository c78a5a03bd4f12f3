import CSimdJSON

/// Reads labelled rows from a JSON document, `{"labels":[{"features":{…},"label":0|1,"key"?}]}`.
public struct JSONLabelReader: Sendable {
  private let schema: RowSchema
  private let limits: RowLimits?

  /// Creates a reader for rows of `schema`.
  ///
  /// - Parameters:
  ///   - schema: the features and the outcome.
  ///   - limits: what the document may expand to.
  public init(schema: RowSchema, limits: RowLimits? = nil) {
    self.schema = schema
    self.limits = limits
  }

  /// Reads all rows of the document.
  ///
  /// - Throws: ``SyntaxProblem`` if it is not JSON; ``InputProblems`` with pointers such as `/labels/3/features/age` if
  ///   any value is refused; ``TooManyRows``, and what ``RowLimits/reserve`` throws.
  public func read(_ body: RawSpan) throws -> RowBatch {
    try readEnvelope("labels", of: body, schema: schema, labelled: true, limits: limits).rows
  }

  /// Reads the rows that fit the schema and reports the others.
  ///
  /// - Throws: as ``read(_:)-(RawSpan)``, but not for problems of single rows.
  public func readSkipping(_ body: RawSpan) throws -> (rows: RowBatch, skipped: SkippedRows) {
    try readEnvelope("labels", of: body, schema: schema, labelled: true, onError: .skip, limits: limits)
  }

  /// Reads all rows of a document in an array of bytes.
  public func read(_ body: [UInt8]) throws -> RowBatch {
    try read(body.span.bytes)
  }
}

/// Reads the rows of `{"<envelope>":[…]}`.
func readEnvelope(
  _ envelope: String, of body: RawSpan, schema: RowSchema, labelled: Bool, onError: RowErrorPolicy = .fail,
  limits: RowLimits?
) throws -> (rows: RowBatch, skipped: SkippedRows) {
  let buffer = RowBuffer(schema: schema, labelled: labelled, onError: onError, limits: limits)
  let handle = try buffer.handle()
  try buffer.check(body.withUnsafeBytes { vj_read_envelope(handle, envelope, $0.baseAddress, $0.count) })
  let skipped = try buffer.finish { problem, name, found in
    InputProblem(
      pointer: pointer(problem, name, row: "/\(envelope)/\(problem.row)"),
      detail: detail(problem, name, found: found, schema: schema))
  }
  return (try buffer.takeBatch(), skipped)
}
