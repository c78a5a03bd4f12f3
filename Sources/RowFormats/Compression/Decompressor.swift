/// Decompresses a stream in pieces, with a limit on the output.
///
/// Append a chunk of compressed bytes, call `next` until it returns `nil`, repeat, and call `finish` once at the end. One
/// task uses a decompressor at a time.
public protocol Decompressor: AnyObject {
  /// Appends compressed bytes.
  func append(_ bytes: RawSpan)

  /// The next decompressed bytes; `nil` when more input is needed.
  ///
  /// - Throws: ``SyntaxProblem``, with ``SyntaxProblem/Kind/tooLarge`` beyond the limit.
  func next() throws(SyntaxProblem) -> [UInt8]?

  /// Ends the stream.
  ///
  /// - Throws: ``SyntaxProblem`` if the stream is truncated or empty.
  func finish() throws(SyntaxProblem)
}

extension Decompressor {
  /// Appends compressed bytes.
  public func append(_ bytes: [UInt8]) {
    append(bytes.span.bytes)
  }
}

/// The input and the position of a decompressor.
struct DecompressorInput {
  /// The largest number of decompressed bytes.
  let limit: Int
  /// Compressed bytes, of which `consumed` are done with.
  var bytes: [UInt8] = []
  var consumed = 0
  /// Whether the last frame (zstd) or member (gzip) is complete.
  var isBetweenFrames = false
  /// Whether the output buffer was full, so that the library may have more output without further input.
  var hasPendingOutput = false
  private var isEmpty = true
  private var produced = 0

  init(limit: Int) { self.limit = limit }

  /// Whether the library can make progress.
  var isReady: Bool { consumed < bytes.count || hasPendingOutput }

  mutating func append(_ chunk: RawSpan) {
    bytes.removeSubrange(..<consumed)
    consumed = 0
    chunk.withUnsafeBytes { bytes.append(contentsOf: $0) }
    isEmpty = isEmpty && bytes.isEmpty
  }

  /// Counts decompressed bytes and throws beyond the limit.
  mutating func count(_ output: Int) throws(SyntaxProblem) {
    produced += output
    guard produced <= limit else { throw SyntaxProblem(.tooLarge) }
  }

  /// Throws unless the stream ended after a complete frame.
  func checkFinished() throws(SyntaxProblem) {
    guard !isEmpty else { throw SyntaxProblem(.empty) }
    guard isBetweenFrames, consumed == bytes.count else { throw SyntaxProblem(.truncated) }
  }
}
