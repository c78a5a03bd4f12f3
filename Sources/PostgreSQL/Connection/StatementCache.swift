/// An LRU cache of the prepared statements of one connection.
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
  /// Names of evicted statements, deallocated on the server with a later exchange.
  private(set) var obsolete: [String] = []

  init(capacity: Int) { self.capacity = capacity }

  var count: Int { entries.count }

  /// The statement's name if it is prepared with these parameter types. Marks it as used.
  mutating func find(_ sql: String, _ slots: [Binds.Slot]) -> String? {
    guard let index = entries.index(forKey: sql) else { return nil }
    let types = entries.values[index].types
    guard types.count == slots.count, zip(types, slots).allSatisfy({ $0 == $1.type }) else { return nil }
    clock += 1
    entries.values[index].lastUse = clock
    return entries.values[index].name
  }

  /// A name that is unique in this session.
  mutating func newName() -> String {
    defer { nextName += 1 }
    return "s\(nextName)"
  }

  /// Adds a statement that the server has prepared, and evicts the least recently used one if the cache is full.
  mutating func insert(_ sql: String, _ types: [PostgresType], name: String) {
    remove(sql)
    clock += 1
    entries[sql] = Entry(name: name, types: types, lastUse: clock)
    guard entries.count > capacity, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse })
    else { return }
    remove(oldest.key)
  }

  /// Removes a statement; its deallocation on the server follows later.
  mutating func remove(_ sql: String) {
    if let old = entries.removeValue(forKey: sql) { obsolete.append(old.name) }
  }

  /// Records that the server has deallocated these statements.
  mutating func deallocated(_ names: Set<String>) { obsolete.removeAll { names.contains($0) } }
}
