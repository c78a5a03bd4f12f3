import CZstd

/// Expands a Zstandard stream (RFC 8878) piece by piece, with limits on what comes out and on the memory for it.
///
/// Frames one after another are one stream; skippable frames are skipped.
public final class ZstdDecompressor: Decompressor {
  /// Largest piece that `next` answers, in bytes: a whole block's content (RFC 8878, section 3.1.1.2.4).
  public static let pieceSize = 128 << 10

  /// The largest window, as a power of two: 8 MiB is what a content coding may ask for (RFC 9659, section 3). Of it a
  /// frame needs memory as much.
  private static let windowLog: Int32 = 23

  private let limit: Int
  /// Libzstd's state; `nil` if there was no memory for it.
  private let context: OpaquePointer?
  private var input: [UInt8] = []
  private var consumed = 0
  private var expanded = 0
  private var isBetweenFrames = false
  private var anyInput = false
  /// Libzstd had no room for all that it could give, so it has more without more input.
  private var hasPendingOutput = false

  /// Expands at most `limit` bytes.
  public init(limit: Int) {
    self.limit = limit
    context = ZSTD_createDCtx()
    if let context { ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.windowLog) }
  }

  deinit {
    ZSTD_freeDCtx(context)
  }

  /// Takes compressed bytes; see ``Decompressor``.
  public func append(_ bytes: RawSpan) {
    input.removeSubrange(..<consumed)
    consumed = 0
    bytes.withUnsafeBytes { input.append(contentsOf: $0) }
    anyInput = anyInput || !input.isEmpty
  }

  /// The next expanded bytes; see ``Decompressor``. Throws `.corruptZstd`, `.windowTooLarge`, `.tooLarge`.
  public func next() throws(SyntaxProblem) -> [UInt8]? {
    guard let context else { throw SyntaxProblem(.outOfMemory) }
    while consumed < input.count || hasPendingOutput {
      var status = 0
      // The pointers are libzstd's for the length of the call only; it keeps its own copy of the window.
      let piece = [UInt8](unsafeUninitializedCapacity: Self.pieceSize) { output, count in
        input.withUnsafeBytes { input in
          var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: consumed)
          var target = ZSTD_outBuffer(dst: output.baseAddress, size: Self.pieceSize, pos: 0)
          status = ZSTD_decompressStream(context, &target, &source)
          consumed = source.pos
          count = target.pos
        }
      }
      guard ZSTD_isError(status) == 0 else { throw Self.problem(status) }
      hasPendingOutput = piece.count == Self.pieceSize && status != 0
      isBetweenFrames = status == 0
      expanded += piece.count
      guard expanded <= limit else { throw SyntaxProblem(.tooLarge) }
      if !piece.isEmpty { return piece }
    }
    return nil
  }

  /// Ends the stream; see ``Decompressor``.
  public func finish() throws(SyntaxProblem) {
    guard anyInput else { throw SyntaxProblem(.empty) }
    guard isBetweenFrames, consumed == input.count else { throw SyntaxProblem(.truncated) }
  }

  private static func problem(_ status: Int) -> SyntaxProblem {
    switch ZSTD_getErrorCode(status) {
    case ZSTD_error_memory_allocation: SyntaxProblem(.outOfMemory)
    case ZSTD_error_frameParameter_windowTooLarge: SyntaxProblem(.windowTooLarge)
    default: SyntaxProblem(.corruptZstd)
    }
  }
}
