/// Expands a compressed stream piece by piece, with a limit on what comes out.
///
/// Append compressed bytes as they come, take pieces with `next` until it has none, then go on; call `finish` once.
/// For one task at a time.
public protocol Decompressor: AnyObject {
  /// Takes compressed bytes. What was appended before should have been taken out with `next`.
  func append(_ bytes: RawSpan)

  /// The next expanded bytes; `nil` when more input is needed. Throws `SyntaxProblem`: `.tooLarge` beyond the limit, or
  /// what is wrong with the stream.
  func next() throws(SyntaxProblem) -> [UInt8]?

  /// Ends the stream. Throws `SyntaxProblem(.truncated)` if it breaks off, `.empty` if there was nothing at all.
  func finish() throws(SyntaxProblem)
}

extension Decompressor {
  /// Takes compressed bytes.
  public func append(_ bytes: [UInt8]) {
    append(bytes.span.bytes)
  }
}
