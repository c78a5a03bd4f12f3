import Synchronization

/// Caches the labels that a worker has read, for datasets with automatic training, so that the next training reads
/// only the changes. The cache is bounded in bytes and evicts the least recently used entry first.
package final class LabelCache: Sendable {
  private struct Key: Hashable {
    var tenant: TenantID
    var dataset: Int
  }

  private struct Entry {
    var labels: CachedLabels
    var bytes: Int
    var lastUse: Int
    var keptSince = ContinuousClock.now
  }

  private struct State {
    var entries: [Key: Entry] = [:]
    var bytes = 0
    var uses = 0
  }

  private let capacity: Int
  private let state = Mutex(State())

  /// Creates a cache of at most `bytes` bytes; 0 disables it.
  package init(bytes: Int) {
    capacity = bytes
  }

  /// The approximate size of all entries in bytes.
  package var byteCount: Int { state.withLock(\.bytes) }

  /// Evicts unused entries periodically until the task is cancelled, since the deletion of a dataset is not announced
  /// to workers.
  package func run(evictingAfter age: Duration = .seconds(3_600)) async {
    while !Task.isCancelled {
      evict(unusedSince: .now - age)
      try? await Task.sleep(for: age / 60)
    }
  }

  /// Evicts the entries that have not been used since `time`.
  func evict(unusedSince time: ContinuousClock.Instant) {
    state.withLock { state in
      for (key, entry) in state.entries where entry.keptSince < time {
        state.bytes -= entry.bytes
        state.entries[key] = nil
      }
    }
  }

  /// The datasets with an entry, by tenant.
  var datasets: [TenantID: [Int]] {
    state.withLock { state in
      Dictionary(grouping: state.entries.keys, by: \.tenant).mapValues { $0.map(\.dataset) }
    }
  }

  /// Evicts the labels of a dataset if they were read before a count of its changes.
  func evict(_ tenant: TenantID, _ dataset: Int, readBefore changes: Int) {
    let key = Key(tenant: tenant, dataset: dataset)
    state.withLock { state in
      guard let entry = state.entries[key], entry.labels.changes < changes else { return }
      state.bytes -= entry.bytes
      state.entries[key] = nil
    }
  }

  /// Removes and returns the labels of a dataset, so that the caller can change them in place.
  func take(_ tenant: TenantID, _ dataset: Int) -> CachedLabels? {
    state.withLock { state in
      let entry = state.entries.removeValue(forKey: Key(tenant: tenant, dataset: dataset))
      state.bytes -= entry?.bytes ?? 0
      return entry?.labels
    }
  }

  /// Evicts the least recently used entries until the others take at most `limit` bytes, so that a training can have the
  /// memory.
  ///
  /// - Parameters:
  ///   - limit: the number of bytes.
  ///   - tenant: the tenant of the dataset whose entry stays.
  ///   - dataset: the dataset whose entry stays and does not count, because its training is about to take it.
  func shrink(to limit: Int, keeping tenant: TenantID, _ dataset: Int) {
    let kept = Key(tenant: tenant, dataset: dataset)
    state.withLock { state in
      var others = state.bytes - (state.entries[kept]?.bytes ?? 0)
      for (key, entry) in state.entries.sorted(by: { $0.value.lastUse < $1.value.lastUse })
      where others > limit && key != kept {
        others -= entry.bytes
        state.bytes -= entry.bytes
        state.entries[key] = nil
      }
    }
  }

  /// Stores the labels of a dataset if they fit.
  ///
  /// - Parameters:
  ///   - labels: the labels.
  ///   - tenant: the tenant.
  ///   - dataset: the dataset.
  ///   - limit: the most bytes of all entries, if that is less than the capacity.
  func keep(_ labels: CachedLabels, _ tenant: TenantID, _ dataset: Int, within limit: Int = .max) {
    let bytes = labels.columns.byteCount
    let capacity = min(capacity, limit)
    guard bytes <= capacity else { return }
    state.withLock { state in
      let key = Key(tenant: tenant, dataset: dataset)
      state.uses += 1
      state.bytes += bytes - (state.entries[key]?.bytes ?? 0)
      state.entries[key] = Entry(labels: labels, bytes: bytes, lastUse: state.uses)
      while state.bytes > capacity,
        let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
      {
        state.bytes -= oldest.value.bytes
        state.entries[oldest.key] = nil
      }
    }
  }
}
