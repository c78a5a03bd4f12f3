/// The names of a categorical column, numbered in the order in which they first came: a hash table on bytes, so that
/// finding a name's number makes no String.
struct LevelIndex: Sendable {
  /// The code of a missing value.
  static let missing: Int32 = -1

  /// The names by their codes.
  private(set) var names: [String] = []
  /// The same the other way round: Strings are equal also if they are spelt with other scalars (Unicode, canonical
  /// equivalence), and are one name then.
  private var codes: [String: Int32] = [:]
  /// Every spelling that has come: its bytes end at `end`, where those of the next one begin.
  private var spellings: [(end: Int, code: Int32)] = []
  private var bytes: [UInt8] = []
  /// The low bits of the hash lead to a spelling, or to -1 for a free place; places that are taken are passed over.
  private var places = [Int32](repeating: -1, count: 16)

  /// Without names.
  init() {}

  /// With names that are numbered already.
  init(_ names: [String]) {
    for name in names { _ = code(of: Array(name.utf8).span.bytes) }
  }

  /// How much memory the names take, in bytes, about.
  var byteCount: Int { names.count * 80 + bytes.count * 2 + spellings.count * 16 + places.count * 4 }

  /// The number of a name, given as UTF-8; a new one gets the next number.
  mutating func code(of name: RawSpan) -> Int32 {
    var place = Self.hash(name) & (places.count - 1)
    while places[place] >= 0 {
      if isSpelling(Int(places[place]), name) { return spellings[Int(places[place])].code }
      place = (place + 1) & (places.count - 1)
    }
    places[place] = Int32(spellings.count)
    let start = bytes.count
    name.withUnsafeBytes { bytes.append(contentsOf: $0) }
    let text = String(decoding: bytes[start...], as: UTF8.self)
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

  /// Seeded anew in each process, so that nobody can choose names that meet in one place.
  private static func hash(_ name: RawSpan) -> Int {
    var hasher = Hasher()
    name.withUnsafeBytes { hasher.combine(bytes: $0) }
    return hasher.finalize()
  }
}
