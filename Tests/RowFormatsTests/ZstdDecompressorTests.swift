import CZstd
import Testing

@testable import RowFormats

/// Tests of decompressing Zstandard in chunks, damaged input and bounds.
@Suite("Zstandard")
struct ZstdDecompressorTests {
  /// Compresses into one frame with a checksum.
  func zstd(_ plain: [UInt8]) -> [UInt8] {
    let context = ZSTD_createCCtx()
    defer { ZSTD_freeCCtx(context) }
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    return [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(plain.count)) { output, count in
      plain.withUnsafeBytes {
        count = ZSTD_compress2(context, output.baseAddress, output.count, $0.baseAddress, $0.count)
      }
    }
  }

  func expand(_ packed: [UInt8], limit: Int = 1 << 30, chunk: Int = 1 << 16) throws -> [UInt8] {
    let zstd = ZstdDecompressor(limit: limit)
    var plain: [UInt8] = []
    for start in stride(from: 0, to: packed.count, by: chunk) {
      zstd.append(Array(packed[start..<min(start + chunk, packed.count)]))
      while let piece = try zstd.next() {
        #expect(piece.count <= ZstdDecompressor.pieceSize)
        plain += piece
      }
    }
    try zstd.finish()
    return plain
  }

  static let plain = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }

  @Test(arguments: [1, 17, 1000, 1 << 20]) func chunks(chunk: Int) throws {
    let short = Array(Self.plain.prefix(chunk == 1 ? 3000 : .max))
    #expect(try expand(zstd(short), chunk: chunk) == short)
  }

  /// Frames whose content ends exactly at the end of an output piece.
  @Test(arguments: [128 << 10, 256 << 10, (128 << 10) + 1]) func `content that ends with an output piece`(
    size: Int
  ) throws {
    let plain = Array(Self.plain.prefix(size))
    #expect(try expand(zstd(plain)) == plain)
    #expect(try expand(zstd(plain) + zstd([1])) == plain + [1])
  }

  @Test func `several frames`() throws {
    // A skippable frame (RFC 8878, section 3.1.2) of three bytes.
    let skippable: [UInt8] = [0x53, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 9, 9, 9]
    #expect(try expand(zstd([])) == [])
    let frames = zstd([1, 2]) + zstd([]) + skippable + zstd([3])
    for chunk in [1, 5, 1000] { #expect(try expand(frames, chunk: chunk) == [1, 2, 3]) }
    #expect(try expand(frames + skippable) == [1, 2, 3])
    #expect(syntax { _ = try expand([]) } == .empty)
  }

  @Test func `every truncation is detected`() {
    let packed = zstd(Array(Self.plain.prefix(500)))
    for length in 1..<packed.count {
      #expect(syntax { _ = try expand(Array(packed[..<length])) } == .truncated)
      #expect(syntax { _ = try expand(packed + packed[..<length]) } == .truncated)
    }
  }

  @Test func `damage is detected`() {
    let packed = zstd(Array(Self.plain.prefix(500)))
    // Magic number and checksum.
    for place in [0, 1, 2, 3, packed.count - 4, packed.count - 1] {
      var damaged = packed
      damaged[place] ^= 0x55
      #expect(syntax { _ = try expand(damaged) } == .corruptZstd)
    }
    #expect(syntax { _ = try expand(packed + bytes("nonsense")) } == .corruptZstd)
    #expect(syntax { _ = try expand(bytes("label,age\n1,2\n")) } == .corruptZstd)
  }

  @Test func `damage of any single byte is detected or harmless`() {
    let packed = zstd(Array(Self.plain.prefix(500)))
    for place in packed.indices {
      var damaged = packed
      damaged[place] ^= 0xFF
      // Damage is reported or, in bits without meaning, harmless.
      let found = syntax {
        let read = try expand(damaged)
        #expect(read == Array(Self.plain.prefix(500)))
      }
      #expect([nil, .corruptZstd, .truncated, .windowTooLarge, .tooLarge].contains(found), "byte \(place)")
    }
  }

  @Test func `decompression bombs are stopped`() {
    let bomb = zstd(Array(repeating: 0, count: 50 << 20))
    #expect(bomb.count < 1 << 16)
    #expect(syntax { _ = try expand(bomb, limit: 1 << 20) } == .tooLarge)
  }

  @Test func `large windows are refused`() throws {
    /// A raw block of one byte in a frame that declares a window of 2^`log` bytes.
    func frame(log: UInt8) -> [UInt8] { [0x28, 0xB5, 0x2F, 0xFD, 0, (log - 10) << 3, 9, 0, 0, 7] }
    #expect(try expand(frame(log: 10)) == [7])
    #expect(try expand(frame(log: 23)) == [7])
    for log: UInt8 in [24, 27, 31, 41] {
      #expect(syntax { _ = try expand(frame(log: log)) } == .windowTooLarge, "\(log)")
    }
  }
}
