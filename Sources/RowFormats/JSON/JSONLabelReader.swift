import CSimdJSON

/// Reads labelled rows from a JSON document, `{"labels":[{"features":{…},"label":0|1,"key"?}]}`.
public struct JSONLabelReader: Sendable {
  private let schema: RowSchema

  /// Creates a reader for rows of `schema`.
  public init(schema: RowSchema) {
    self.schema = schema
  }

  /// Reads all rows of the document.
  ///
  /// - Throws: ``SyntaxProblem`` if it is not JSON; ``InputProblems`` with pointers such as `/labels/3/features/age` if
  ///   any value is refused.
  public func read(_ body: RawSpan) throws -> RowBatch {
    try readEnvelope("labels", of: body, schema: schema, labelled: true).rows
  }

  /// Reads the rows that fit the schema and reports the others.
  ///
  /// - Throws: as ``read(_:)-(RawSpan)``, but not for problems of single rows.
  public func readSkipping(_ body: RawSpan) throws -> (rows: RowBatch, skipped: SkippedRows) {
    try readEnvelope("labels", of: body, schema: schema, labelled: true, onError: .skip)
  }

  /// Reads all rows of a document in an array of bytes.
  public func read(_ body: [UInt8]) throws -> RowBatch {
    try read(body.span.bytes)
  }
}

/// Reads the rows of `{"<envelope>":[…]}`.
func readEnvelope(
  _ envelope: String, of body: RawSpan, schema: RowSchema, labelled: Bool, onError: RowErrorPolicy = .fail
) throws -> (rows: RowBatch, skipped: SkippedRows) {
  let buffer = RowBuffer(schema: schema, labelled: labelled, onError: onError)
  let handle = try buffer.handle()
  try body.withUnsafeBytes { vj_read_envelope(handle, envelope, $0.baseAddress, $0.count) }.check()
  let skipped = try buffer.finish { problem, name, found in
    InputProblem(
      pointer: pointer(problem, name, row: "/\(envelope)/\(problem.row)"),
      detail: detail(problem, name, found: found, schema: schema))
  }
  return (try buffer.takeBatch(), skipped)
}
