/// Many optional strings end to end in one buffer, so that reading a million of them allocates nothing for each.
public struct FlatStrings: Sendable, Hashable {
  /// Set in an element of `ends` if the string is missing.
  public static let missingMark: UInt32 = 0x8000_0000

  /// The strings' UTF-8, one after another, without separators.
  public private(set) var bytes: [UInt8]
  /// Where in `bytes` each string ends, with `missingMark` added if there is none.
  public private(set) var ends: [UInt32]

  /// No strings.
  public init() {
    bytes = []
    ends = []
  }

  /// Strings that already lie end to end.
  init(bytes: [UInt8], ends: [UInt32]) {
    self.bytes = bytes
    self.ends = ends
  }

  /// How many strings there are, missing ones included.
  public var count: Int { ends.count }

  /// Appends a string, or a missing one. The sum of their lengths must stay below 2 GiB.
  public mutating func append(_ string: String?) {
    guard let string else {
      ends.append(UInt32(bytes.count) | Self.missingMark)
      return
    }
    bytes.append(contentsOf: string.utf8)
    ends.append(UInt32(bytes.count))
  }

  /// Where in `bytes` a string lies; `nil` if it is missing.
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
