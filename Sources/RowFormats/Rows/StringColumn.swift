/// Optional strings end to end in one buffer, so that a million of them need no allocation each.
public struct StringColumn: Sendable, Hashable {
  /// Set in an element of `ends` if the string is missing.
  @inlinable public static var missingMark: UInt32 { 0x8000_0000 }

  /// The UTF-8 of all strings without separators.
  public private(set) var bytes: [UInt8]
  /// The end of each string in `bytes`, with `missingMark` set for a missing one.
  public private(set) var ends: [UInt32]

  /// Creates an empty column.
  public init() {
    bytes = []
    ends = []
  }

  init(bytes: [UInt8], ends: [UInt32]) {
    self.bytes = bytes
    self.ends = ends
  }

  /// The number of strings, missing ones included.
  public var count: Int { ends.count }

  /// The memory that the strings take, in bytes.
  var byteCount: Int { bytes.count + ends.count * 4 }

  /// Appends a string, or a missing one. The sum of all lengths must stay below 2 GiB.
  public mutating func append(_ string: String?) {
    guard let string else {
      ends.append(UInt32(bytes.count) | Self.missingMark)
      return
    }
    bytes.append(contentsOf: string.utf8)
    ends.append(UInt32(bytes.count))
  }

  /// The range of a string in `bytes`; `nil` if it is missing.
  @inlinable
  public func range(of index: Int) -> Range<Int>? {
    let end = ends[index]
    guard end & Self.missingMark == 0 else { return nil }
    let start = index == 0 ? 0 : ends[index - 1] & ~Self.missingMark
    return Int(start)..<Int(end)
  }

  /// A string; `nil` if it is missing.
  public subscript(index: Int) -> String? {
    guard let range = range(of: index) else { return nil }
    return String(decoding: bytes[range], as: UTF8.self)
  }
}
