import CZstd

/// Decompresses a Zstandard stream (RFC 8878), with limits on the output and on memory.
///
/// Concatenated frames are one stream; skippable frames are skipped.
public final class ZstdDecompressor: Decompressor {
  /// The largest piece that `next` returns, in bytes: the content of a whole block (RFC 8878, section 3.1.1.2.4).
  public static let pieceSize = 128 << 10

  /// The largest window, as a power of two: 8 MiB, the most that a content coding may use (RFC 9659, section 3). A frame
  /// needs as much memory.
  private static let windowLog: Int32 = 23

  /// libzstd's state; `nil` if the allocation failed.
  private let context: OpaquePointer?
  private var input: DecompressorInput

  /// Creates a decompressor that refuses streams of more than `limit` decompressed bytes.
  public init(limit: Int) {
    input = DecompressorInput(limit: limit)
    context = ZSTD_createDCtx()
    if let context { ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.windowLog) }
  }

  deinit {
    ZSTD_freeDCtx(context)
  }

  /// Appends compressed bytes; see ``Decompressor``.
  public func append(_ bytes: RawSpan) { input.append(bytes) }

  /// The next decompressed bytes; see ``Decompressor``.
  public func next() throws(SyntaxProblem) -> [UInt8]? {
    guard let context else { throw SyntaxProblem(.outOfMemory) }
    while input.isReady {
      var status = 0
      // Sound: libzstd uses the pointers during the call only and keeps its own copy of the window.
      let piece = [UInt8](unsafeUninitializedCapacity: Self.pieceSize) { output, count in
        input.consumed = input.bytes.withUnsafeBytes { [consumed = input.consumed] bytes in
          var source = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: consumed)
          var target = ZSTD_outBuffer(dst: output.baseAddress, size: Self.pieceSize, pos: 0)
          status = ZSTD_decompressStream(context, &target, &source)
          count = target.pos
          return source.pos
        }
      }
      guard ZSTD_isError(status) == 0 else { throw Self.problem(status) }
      input.hasPendingOutput = piece.count == Self.pieceSize && status != 0
      input.isBetweenFrames = status == 0
      try input.count(piece.count)
      if !piece.isEmpty { return piece }
    }
    return nil
  }

  /// Ends the stream; see ``Decompressor``.
  public func finish() throws(SyntaxProblem) { try input.checkFinished() }

  private static func problem(_ status: Int) -> SyntaxProblem {
    switch ZSTD_getErrorCode(status) {
    case ZSTD_error_memory_allocation: SyntaxProblem(.outOfMemory)
    case ZSTD_error_frameParameter_windowTooLarge: SyntaxProblem(.windowTooLarge)
    default: SyntaxProblem(.corruptZstd)
    }
  }
}
