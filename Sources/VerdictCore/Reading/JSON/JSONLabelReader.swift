import CSimdJSON

/// Reads a whole body of labelled rows, `{"labels":[{"features":{…},"label":0|1,"key"?}]}`.
public struct JSONLabelReader: Sendable {
  private let schema: RowSchema

  /// Reads rows of this schema.
  public init(schema: RowSchema) {
    self.schema = schema
  }

  /// All rows of the body, or everything that is wrong with it: `SyntaxProblem` if it is not JSON, `InputProblems`
  /// with pointers such as `/labels/3/features/age` if some value is refused.
  public func read(_ body: RawSpan) throws -> RowBatch {
    try readEnvelope("labels", of: body, schema: schema, labelled: true)
  }

  /// The same for an array of bytes.
  public func read(_ body: [UInt8]) throws -> RowBatch {
    try read(body.span.bytes)
  }
}

/// Reads `{"<envelope>":[…]}`.
func readEnvelope(_ envelope: String, of body: RawSpan, schema: RowSchema, labelled: Bool) throws -> RowBatch
{
  let buffer = RowBuffer(schema: schema, labelled: labelled)
  let handle = try buffer.handle()
  try body.withUnsafeBytes { vj_read_envelope(handle, envelope, $0.baseAddress, $0.count) }.check()
  try buffer.throwProblems { problem, name, found in
    InputProblem(
      pointer: pointer(problem, name, row: "/\(envelope)/\(problem.row)"),
      detail: detail(problem, name, found: found, schema: schema))
  }
  return try buffer.takeBatch()
}
