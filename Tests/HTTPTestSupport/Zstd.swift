/// Writes Zstandard frames (RFC 8878) with uncompressed data.
public enum Zstd {
  /// A frame of one raw block of at most 131,072 bytes.
  public static func stored(_ bytes: [UInt8]) -> [UInt8] {
    header + block(type: 0, size: bytes.count, isLast: true) + bytes
  }

  /// A frame that decompresses to `megabytes` megabytes of blanks, with 32 bytes for each.
  public static func bomb(megabytes: Int) -> [UInt8] {
    let blocks = megabytes * 8
    return header
      + (1...blocks).flatMap { block(type: 1, size: 128 << 10, isLast: $0 == blocks) + [UInt8(ascii: " ")] }
  }

  /// Magic number, no flags, and a window of 128 KiB.
  private static let header: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 7 << 3]

  /// A block header (section 3.1.1.2): type 0 is a raw block, type 1 one repeated byte.
  private static func block(type: Int, size: Int, isLast: Bool) -> [UInt8] {
    let header = size << 3 | type << 1 | (isLast ? 1 : 0)
    return (0..<3).map { UInt8(truncatingIfNeeded: header >> ($0 * 8)) }
  }
}
