import RowFormats

/// The category names of a column, numbered in the order of their first occurrence. A hash table on bytes finds a
/// name's code without creating a String.
struct LevelIndex: Sendable {
  /// The code of a missing value.
  static let missing: Int32 = -1

  /// The names by code.
  private(set) var names: [String] = []
  /// The codes by name.
  private var codes: [String: Int32] = [:]
  /// The closed list of the feature, whose categories keep their spelling.
  let listed: [String]?
  /// Every distinct spelling: its bytes end at `end`, where those of the next one begin.
  private var spellings: [(end: Int, code: Int32)] = []
  private var bytes: [UInt8] = []
  /// An open-addressing hash table: each slot has the index of a spelling, or -1 if it is free.
  private var places = [Int32](repeating: -1, count: 16)

  /// Creates an empty index for a feature with a closed list of categories, or without one.
  init(listed: [String]?) { self.listed = listed }

  /// Creates an index with numbered names.
  init(_ names: [String], listed: [String]?) {
    self.listed = listed
    for name in names { _ = code(of: Array(name.utf8).span.bytes) }
  }

  /// The approximate memory use in bytes.
  var byteCount: Int { names.count * 80 + bytes.count * 2 + spellings.count * 16 + places.count * 4 }

  /// Returns the code of a name in UTF-8. A new name gets the next code. Spellings of one category share a code: rows that were
  /// stored before there was one spelling of each have others.
  mutating func code(of name: RawSpan) -> Int32 {
    var place = Self.hash(name) & (places.count - 1)
    while places[place] >= 0 {
      if isSpelling(Int(places[place]), name) { return spellings[Int(places[place])].code }
      place = (place + 1) & (places.count - 1)
    }
    places[place] = Int32(spellings.count)
    let start = bytes.count
    name.withUnsafeBytes { bytes.append(contentsOf: $0) }
    let text = CategorySpelling.canonical(String(decoding: bytes[start...], as: UTF8.self), listed: listed)
    let code = codes[text] ?? Int32(names.count)
    if code == names.count {
      codes[text] = code
      names.append(text)
    }
    spellings.append((bytes.count, code))
    if spellings.count * 2 > places.count { grow() }
    return code
  }

  private func isSpelling(_ index: Int, _ name: RawSpan) -> Bool {
    let start = index == 0 ? 0 : spellings[index - 1].end
    guard spellings[index].end - start == name.byteCount else { return false }
    for offset in 0..<name.byteCount
    where bytes[start + offset] != name.unsafeLoad(fromByteOffset: offset, as: UInt8.self) { return false }
    return true
  }

  private mutating func grow() {
    places = [Int32](repeating: -1, count: places.count * 2)
    var start = 0
    for (index, spelling) in spellings.enumerated() {
      var place = Self.hash(bytes.span.bytes.extracting(start..<spelling.end)) & (places.count - 1)
      while places[place] >= 0 { place = (place + 1) & (places.count - 1) }
      places[place] = Int32(index)
      start = spelling.end
    }
  }

  /// The seed is random per process, so that clients cannot choose colliding names.
  private static func hash(_ name: RawSpan) -> Int {
    var hasher = Hasher()
    name.withUnsafeBytes { hasher.combine(bytes: $0) }
    return hasher.finalize()
  }
}
