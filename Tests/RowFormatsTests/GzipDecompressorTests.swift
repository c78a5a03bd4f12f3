import CZlib
import Testing

@testable import RowFormats

/// Tests of decompressing gzip in chunks, damaged input and bounds.
@Suite("Gzip")
struct GzipDecompressorTests {
  /// Compresses in the gzip format.
  func gzip(_ plain: [UInt8]) -> [UInt8] {
    var stream = z_stream()
    deflateInit2_(
      &stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    defer { deflateEnd(&stream) }
    var input = plain
    var output = [UInt8](repeating: 0, count: plain.count + 1000)
    let length = input.withUnsafeMutableBufferPointer { input in
      output.withUnsafeMutableBufferPointer { output in
        stream.next_in = input.baseAddress
        stream.avail_in = UInt32(input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(output.count)
        deflate(&stream, Z_FINISH)
        return output.count - Int(stream.avail_out)
      }
    }
    return Array(output[..<length])
  }

  func expand(_ packed: [UInt8], limit: Int = 1 << 30, chunk: Int = 1 << 16) throws -> [UInt8] {
    let gzip = GzipDecompressor(limit: limit)
    var plain: [UInt8] = []
    for start in stride(from: 0, to: packed.count, by: chunk) {
      gzip.append(Array(packed[start..<min(start + chunk, packed.count)]))
      while let piece = try gzip.next() {
        #expect(piece.count <= GzipDecompressor.pieceSize)
        plain += piece
      }
    }
    try gzip.finish()
    return plain
  }

  static let plain = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }

  @Test(arguments: [1, 17, 1000, 1 << 20]) func chunks(chunk: Int) throws {
    let short = Array(Self.plain.prefix(chunk == 1 ? 3000 : .max))
    #expect(try expand(gzip(short), chunk: chunk) == short)
  }

  @Test func `empty input and several members`() throws {
    #expect(try expand(gzip([])) == [])
    #expect(try expand(gzip([1, 2]) + gzip([]) + gzip([3])) == [1, 2, 3])
    #expect(syntax { _ = try expand([]) } == .empty)
  }

  @Test func `every truncation is detected`() {
    let packed = gzip(Array(Self.plain.prefix(500)))
    for length in 1..<packed.count {
      #expect(syntax { _ = try expand(Array(packed[..<length])) } == .truncated)
    }
  }

  @Test func `damage is detected`() {
    let packed = gzip(Array(Self.plain.prefix(500)))
    // Magic number, method, checksum and length. The bytes between them hold flags and times that are ignored.
    for place in [0, 1, 2, packed.count - 8, packed.count - 1] {
      var damaged = packed
      damaged[place] ^= 0x55
      #expect(syntax { _ = try expand(damaged) } == .corruptGzip)
    }
    #expect(syntax { _ = try expand(packed + [1, 2, 3, 4]) } == .corruptGzip)
    #expect(syntax { _ = try expand(bytes("label,age\n1,2\n")) } == .corruptGzip)
  }

  @Test func `decompression bombs are stopped`() {
    let bomb = gzip(Array(repeating: 0, count: 50 << 20))
    #expect(bomb.count < 1 << 20)
    #expect(syntax { _ = try expand(bomb, limit: 1 << 20) } == .tooLarge)
  }
}
