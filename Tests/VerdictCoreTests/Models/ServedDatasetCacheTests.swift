import Foundation
import RowFormats
import Testing

@testable import VerdictCore

/// Tests of the bound of the cache of datasets.
@Suite struct ServedDatasetCacheTests {
  private typealias Name = ServedDatasetCache.Name

  /// A dataset of about a number of kilobytes.
  private static func served(_ id: Int, kilobytes: Int = 10) -> ServedDataset {
    let text = String(repeating: "c", count: 436)
    let categories = (0..<kilobytes).map { text + "\($0)" }
    let dataset = Dataset(
      id: id, name: "d\(id)",
      features: [Feature(name: "c", type: .categorical, categories: categories, slot: 0)],
      label: LabelDefinition(), settings: DatasetSettings(), activeVersion: nil, revision: 1,
      createdAt: Date(timeIntervalSince1970: 0), updatedAt: Date(timeIntervalSince1970: 0))
    return ServedDataset(dataset: dataset, schema: dataset.schema, model: nil, evidence: nil)
  }

  private static func name(_ tenant: Int32, _ id: Int) -> Name {
    Name(tenant: TenantID(rawValue: tenant), dataset: "d\(id)")
  }

  private static func insert(
    _ id: Int, of tenant: Int32, kilobytes: Int = 10, into cache: inout ServedDatasetCache
  ) -> [Int] {
    cache.insert(
      ServedDatasetCache.Entry(served: served(id, kilobytes: kilobytes), epoch: 0, checked: .now),
      name(tenant, id)
    ).map(\.dataset.id)
  }

  private func expectEvicted(
    _ expected: [Int], inserting id: Int, of tenant: Int32, kilobytes: Int = 10,
    into cache: inout ServedDatasetCache, at place: SourceLocation = #_sourceLocation
  ) {
    let evicted = Self.insert(id, of: tenant, kilobytes: kilobytes, into: &cache)
    #expect(evicted == expected, sourceLocation: place)
  }

  @Test func `the least recently used datasets are evicted when the bytes are used up`() {
    var cache = ServedDatasetCache(capacity: 64 << 10)
    for id in 1...4 { expectEvicted([], inserting: id, of: Int32(id), into: &cache) }
    let used = cache.use(Self.name(1, 1))
    #expect(used != nil)
    let evicted = (5...6).flatMap { Self.insert($0, of: Int32($0), into: &cache) }
    #expect(evicted.first == 2)
    #expect(!evicted.contains(1))
    #expect(cache.byteCount <= 64 << 10)
    let sizes = (1...6).map { cache.peek(Self.name(Int32($0), $0))?.served.byteCount ?? 0 }
    #expect(cache.byteCount == sizes.reduce(0, +))
  }

  @Test func `a tenant displaces its own datasets beyond half of the bytes`() {
    var cache = ServedDatasetCache(capacity: 100 << 10)
    expectEvicted([], inserting: 1, of: 1, into: &cache)
    var evicted: [Int] = []
    for id in 2...40 { evicted += Self.insert(id, of: 2, into: &cache) }
    #expect(!evicted.contains(1))
    #expect(cache.byteCount(of: TenantID(rawValue: 2)) <= 50 << 10)
    #expect(cache.peek(Self.name(2, 40)) != nil)
  }

  @Test func `a dataset larger than the cache is not kept`() {
    var cache = ServedDatasetCache(capacity: 32 << 10)
    expectEvicted([], inserting: 1, of: 1, into: &cache)
    expectEvicted([], inserting: 2, of: 2, kilobytes: 40, into: &cache)
    #expect(cache.count == 1 && cache.peek(Self.name(1, 1)) != nil)
    // A larger state in place of a smaller one ends its validity.
    expectEvicted([1], inserting: 1, of: 1, kilobytes: 40, into: &cache)
    #expect(cache.count == 0 && cache.byteCount == 0)
    // One that is larger than a tenant's share is kept while there is room.
    expectEvicted([], inserting: 3, of: 1, kilobytes: 20, into: &cache)
    #expect(cache.count == 1)
  }

  @Test func `a change expires one dataset, which is removed later`() {
    var cache = ServedDatasetCache(capacity: 1 << 20)
    for id in 1...3 { _ = Self.insert(id, of: 1, into: &cache) }
    let now = ContinuousClock.now
    cache.expire(TenantID(rawValue: 1), dataset: 2, now: now)
    cache.expire(TenantID(rawValue: 2), dataset: 3, now: now)
    cache.expire(Self.name(1, 1), now: now + .seconds(1))
    #expect(cache.peek(Self.name(1, 2))?.staleSince == now)
    #expect(cache.peek(Self.name(1, 3))?.staleSince == nil)
    let (removed, others) = cache.sweep(staleSince: now)
    #expect(removed.map(\.dataset.id) == [2] && others)
    #expect(cache.count == 2)
  }
}
