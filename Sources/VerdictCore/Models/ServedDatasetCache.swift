/// The datasets that a process has in memory, bounded in bytes. The least recently used ones are evicted first.
///
/// A tenant with more than half of the bytes evicts its own datasets, so that no tenant displaces all others. Pure state
/// under the lock of ``ServedDatasets``: a removed dataset is returned, so that its memory is freed outside of the lock.
struct ServedDatasetCache {
  /// The name by which requests address a dataset.
  struct Name: Hashable, Sendable {
    var tenant: TenantID
    var dataset: String
  }

  /// A dataset with what is known of its validity.
  struct Entry {
    /// The dataset.
    var served: ServedDataset
    /// The number of the last use.
    var lastUse = 0
    /// The epoch of notifications in which it was compared with the database.
    var epoch: Int
    /// When the query began that found it current.
    var checked: ContinuousClock.Instant
    /// Until when it is used without a query, regardless of notifications.
    var holdsUntil: ContinuousClock.Instant?
    /// When it was found or announced to be out of date. Its model may still be the active one.
    var staleSince: ContinuousClock.Instant?
  }

  /// The number that notifications name a dataset by.
  private struct Number: Hashable {
    var tenant: TenantID
    var dataset: Int
  }

  /// The most bytes of all entries.
  let capacity: Int
  /// The approximate size of all entries.
  private(set) var byteCount = 0
  private var entries: [Name: Entry] = [:]
  private var names: [Number: Name] = [:]
  private var bytesOf: [TenantID: Int] = [:]
  private var uses = 0

  /// A cache of at most `capacity` bytes.
  init(capacity: Int) {
    self.capacity = capacity
  }

  /// The number of entries.
  var count: Int { entries.count }

  /// The size of a tenant's entries.
  func byteCount(of tenant: TenantID) -> Int { bytesOf[tenant] ?? 0 }

  /// The entry of a name, without counting a use.
  func peek(_ name: Name) -> Entry? { entries[name] }

  /// The entry of a name, which counts as used now.
  mutating func use(_ name: Name) -> Entry? {
    guard let index = entries.index(forKey: name) else { return nil }
    uses += 1
    entries.values[index].lastUse = uses
    return entries.values[index]
  }

  /// Changes what is known of an entry, if it still has this dataset.
  mutating func update(_ name: Name, if served: ServedDataset, _ change: (inout Entry) -> Void) {
    guard let index = entries.index(forKey: name), entries.values[index].served === served else { return }
    change(&entries.values[index])
  }

  /// Adds or replaces an entry, unless it is larger than the cache.
  ///
  /// - Returns: the datasets that were removed for it.
  mutating func insert(_ entry: Entry, _ name: Name) -> [ServedDataset] {
    var removed = remove(name).map { [$0] } ?? []
    let bytes = entry.served.byteCount
    guard bytes <= capacity else { return removed }
    let share = max(capacity / 2, bytes)
    if byteCount(of: name.tenant) + bytes > share {
      removed += evict(downTo: share - bytes, of: name.tenant)
    }
    if byteCount + bytes > capacity { removed += evict(downTo: capacity - bytes, of: nil) }
    uses += 1
    var entry = entry
    entry.lastUse = uses
    entries[name] = entry
    names[Number(tenant: name.tenant, dataset: entry.served.dataset.id)] = name
    byteCount += bytes
    bytesOf[name.tenant, default: 0] += bytes
    return removed
  }

  /// Removes an entry.
  mutating func remove(_ name: Name) -> ServedDataset? {
    guard let entry = entries.removeValue(forKey: name) else { return nil }
    let number = Number(tenant: name.tenant, dataset: entry.served.dataset.id)
    if names[number] == name { names[number] = nil }
    byteCount -= entry.served.byteCount
    bytesOf[name.tenant, default: 0] -= entry.served.byteCount
    if bytesOf[name.tenant] == 0 { bytesOf[name.tenant] = nil }
    return entry.served
  }

  /// Marks the entry of a name as out of date.
  mutating func expire(_ name: Name, now: ContinuousClock.Instant) {
    guard let index = entries.index(forKey: name) else { return }
    if entries.values[index].staleSince == nil { entries.values[index].staleSince = now }
  }

  /// Marks the entry of a dataset's number as out of date.
  mutating func expire(_ tenant: TenantID, dataset: Int, now: ContinuousClock.Instant) {
    if let name = names[Number(tenant: tenant, dataset: dataset)] { expire(name, now: now) }
  }

  /// Removes entries that have been out of date since `time`, such as deleted datasets.
  ///
  /// - Returns: the datasets that were removed, and whether others are out of date.
  mutating func sweep(staleSince time: ContinuousClock.Instant) -> (removed: [ServedDataset], others: Bool) {
    var old: [Name] = []
    var others = false
    for (name, entry) in entries {
      guard let since = entry.staleSince else { continue }
      if since <= time { old.append(name) } else { others = true }
    }
    return (old.compactMap { remove($0) }, others)
  }

  /// Forgets until when entries hold without a query.
  mutating func releaseHolds() {
    for index in entries.indices { entries.values[index].holdsUntil = nil }
  }

  /// Removes the least recently used entries, of one tenant or of all, until at most `target` bytes are left. A sixteenth of
  /// the capacity more becomes free, so that not every insertion has to sort the entries.
  private mutating func evict(downTo target: Int, of tenant: TenantID?) -> [ServedDataset] {
    let target = max(0, min(target, target - capacity / 16))
    var removed: [ServedDataset] = []
    let candidates = entries.filter { tenant == nil || $0.key.tenant == tenant }
      .sorted { $0.value.lastUse < $1.value.lastUse }
    for (name, _) in candidates {
      if (tenant.map { byteCount(of: $0) } ?? byteCount) <= target { break }
      if let served = remove(name) { removed.append(served) }
    }
    return removed
  }
}
