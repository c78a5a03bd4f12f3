import CZlib

/// Expands a gzip stream (RFC 1952) piece by piece, with a limit on what comes out.
///
/// Members one after another, as `cat a.gz b.gz` makes them, are one stream.
public final class GzipDecompressor: Decompressor {
  /// Largest piece that `next` answers, in bytes.
  public static let pieceSize = 128 << 10

  private let limit: Int
  // Zlib keeps a pointer to this object in its own state, so it must not move: it is allocated once and freed in
  // deinit, after inflateEnd.
  private let stream: UnsafeMutablePointer<z_stream>
  private let isReady: Bool
  private var input: [UInt8] = []
  private var consumed = 0
  private var expanded = 0
  private var isBetweenMembers = false
  private var anyInput = false
  /// Zlib had no room for all that it could give, so it has more without more input.
  private var hasPendingOutput = false

  /// Expands at most `limit` bytes.
  public init(limit: Int) {
    self.limit = limit
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // 15 bits of window, and 16 to ask for the gzip format alone.
    isReady =
      inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
  }

  deinit {
    if isReady { inflateEnd(stream) }
    stream.deinitialize(count: 1)
    stream.deallocate()
  }

  /// Takes compressed bytes; see ``Decompressor``.
  public func append(_ bytes: RawSpan) {
    input.removeSubrange(..<consumed)
    consumed = 0
    bytes.withUnsafeBytes { input.append(contentsOf: $0) }
    anyInput = anyInput || !input.isEmpty
  }

  /// The next expanded bytes; see ``Decompressor``. Throws `.corruptGzip` or `.tooLarge`.
  public func next() throws(SyntaxProblem) -> [UInt8]? {
    guard isReady else { throw SyntaxProblem(.outOfMemory) }
    while true {
      if isBetweenMembers {
        guard consumed < input.count else { return nil }
        inflateReset(stream)
        isBetweenMembers = false
      }
      guard consumed < input.count || hasPendingOutput else { return nil }
      var status = Z_OK
      let piece = [UInt8](unsafeUninitializedCapacity: Self.pieceSize) { output, count in
        input.withUnsafeMutableBufferPointer { input in
          let left = input.count - consumed
          // Zlib only reads its input, though its interface says otherwise.
          stream.pointee.next_in = input.baseAddress.map { $0 + consumed }
          stream.pointee.avail_in = UInt32(clamping: left)
          stream.pointee.next_out = output.baseAddress
          stream.pointee.avail_out = UInt32(output.count)
          status = inflate(stream, Z_NO_FLUSH)
          consumed += min(left, Int(UInt32(clamping: left))) - Int(stream.pointee.avail_in)
        }
        stream.pointee.next_in = nil
        stream.pointee.next_out = nil
        count = output.count - Int(stream.pointee.avail_out)
      }
      hasPendingOutput = piece.count == Self.pieceSize
      expanded += piece.count
      switch status {
      case Z_OK, Z_BUF_ERROR: break
      case Z_STREAM_END: isBetweenMembers = true
      case Z_MEM_ERROR: throw SyntaxProblem(.outOfMemory)
      default: throw SyntaxProblem(.corruptGzip)
      }
      guard expanded <= limit else { throw SyntaxProblem(.tooLarge) }
      if !piece.isEmpty { return piece }
      if status != Z_STREAM_END { return nil }
    }
  }

  /// Ends the stream; see ``Decompressor``.
  public func finish() throws(SyntaxProblem) {
    guard anyInput else { throw SyntaxProblem(.empty) }
    guard isBetweenMembers, consumed == input.count else { throw SyntaxProblem(.truncated) }
  }
}
