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

  /// Removes and returns the labels of a dataset, so that the caller can change them in place.
  func take(_ tenant: TenantID, _ dataset: Int) -> CachedLabels? {
    state.withLock { state in
      let entry = state.entries.removeValue(forKey: Key(tenant: tenant, dataset: dataset))
      state.bytes -= entry?.bytes ?? 0
      return entry?.labels
    }
  }

  /// Stores the labels of a dataset if they fit.
  func keep(_ labels: CachedLabels, _ tenant: TenantID, _ dataset: Int) {
    let bytes = labels.columns.byteCount
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
