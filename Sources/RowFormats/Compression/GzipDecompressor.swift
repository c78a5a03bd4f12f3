import CZlib

/// Decompresses a gzip stream (RFC 1952).
///
/// Concatenated members, as `cat a.gz b.gz` makes them, are one stream.
public final class GzipDecompressor: Decompressor {
  /// The largest piece that `next` returns, in bytes.
  public static let pieceSize = 128 << 10

  // Sound: zlib's state has a pointer to this object, so the object must not move. It is allocated once and freed in
  // deinit, after inflateEnd.
  private let stream: UnsafeMutablePointer<z_stream>
  /// Whether zlib could allocate its state.
  private let isInitialised: Bool
  private var input: DecompressorInput

  /// Creates a decompressor that refuses streams of more than `limit` decompressed bytes.
  public init(limit: Int) {
    input = DecompressorInput(limit: limit)
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // 15 bits of window; 16 more select the gzip format.
    isInitialised =
      inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
  }

  deinit {
    if isInitialised { inflateEnd(stream) }
    stream.deinitialize(count: 1)
    stream.deallocate()
  }

  /// Appends compressed bytes; see ``Decompressor``.
  public func append(_ bytes: RawSpan) { input.append(bytes) }

  /// The next decompressed bytes; see ``Decompressor``.
  public func next() throws(SyntaxProblem) -> [UInt8]? {
    guard isInitialised else { throw SyntaxProblem(.outOfMemory) }
    while true {
      if input.isBetweenFrames {
        guard input.consumed < input.bytes.count else { return nil }
        inflateReset(stream)
        input.isBetweenFrames = false
      }
      guard input.isReady else { return nil }
      let (status, piece) = inflatePiece()
      input.hasPendingOutput = piece.count == Self.pieceSize
      switch status {
      case Z_OK, Z_BUF_ERROR: break
      case Z_STREAM_END: input.isBetweenFrames = true
      case Z_MEM_ERROR: throw SyntaxProblem(.outOfMemory)
      default: throw SyntaxProblem(.corruptGzip)
      }
      try input.count(piece.count)
      if !piece.isEmpty { return piece }
      if status != Z_STREAM_END { return nil }
    }
  }

  /// Ends the stream; see ``Decompressor``.
  public func finish() throws(SyntaxProblem) { try input.checkFinished() }

  private func inflatePiece() -> (status: Int32, piece: [UInt8]) {
    var status = Z_OK
    let piece = [UInt8](unsafeUninitializedCapacity: Self.pieceSize) { output, count in
      let consumed = input.consumed
      // Mutable because zlib's interface says so; zlib does not write to its input.
      input.consumed += input.bytes.withUnsafeMutableBufferPointer { bytes in
        let available = UInt32(clamping: bytes.count - consumed)
        stream.pointee.next_in = bytes.baseAddress.map { $0 + consumed }
        stream.pointee.avail_in = available
        stream.pointee.next_out = output.baseAddress
        stream.pointee.avail_out = UInt32(output.count)
        status = inflate(stream, Z_NO_FLUSH)
        return Int(available - stream.pointee.avail_in)
      }
      stream.pointee.next_in = nil
      stream.pointee.next_out = nil
      count = output.count - Int(stream.pointee.avail_out)
    }
    return (status, piece)
  }
}
