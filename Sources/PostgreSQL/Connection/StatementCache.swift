/// The prepared statements of one connection: least recently used ones go first.
struct StatementCache {
  struct Entry: Equatable {
    let name: String
    let types: [PostgresType]
    var lastUse: UInt64
  }

  let capacity: Int
  private var entries: [String: Entry] = [:]
  private var clock: UInt64 = 0
  private var nextName: UInt64 = 1
  /// Names that the server still knows and nobody uses; deallocated at the next occasion.
  private(set) var obsolete: [String] = []

  init(capacity: Int) { self.capacity = capacity }

  var count: Int { entries.count }

  /// The statement's name if it is prepared with these parameter types.
  mutating func find(_ sql: String, _ slots: [Binds.Slot]) -> String? {
    guard let index = entries.index(forKey: sql) else { return nil }
    let types = entries.values[index].types
    guard types.count == slots.count, zip(types, slots).allSatisfy({ $0 == $1.type }) else { return nil }
    clock += 1
    entries.values[index].lastUse = clock
    return entries.values[index].name
  }

  /// A name that this session has not had before.
  mutating func newName() -> String {
    defer { nextName += 1 }
    return "s\(nextName)"
  }

  /// Remembers a statement that the server has prepared, and lets the oldest go if there are too many.
  mutating func insert(_ sql: String, _ types: [PostgresType], name: String) {
    remove(sql)
    clock += 1
    entries[sql] = Entry(name: name, types: types, lastUse: clock)
    guard entries.count > capacity, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse })
    else { return }
    remove(oldest.key)
  }

  /// Forgets a statement; the server is told later.
  mutating func remove(_ sql: String) {
    if let old = entries.removeValue(forKey: sql) { obsolete.append(old.name) }
  }

  /// Notes that the server has forgotten these too.
  mutating func deallocated(_ names: Set<String>) { obsolete.removeAll { names.contains($0) } }
}
