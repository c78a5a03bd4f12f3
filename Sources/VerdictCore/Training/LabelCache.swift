import Synchronization

/// What a worker keeps of the labels that it has read, for datasets that train by themselves, so that the next training
/// reads only what has changed. Bounded in bytes; what was not used for longest goes first.
package final class LabelCache: Sendable {
  private struct Key: Hashable {
    var tenant: TenantID
    var dataset: Int
  }

  private struct Entry {
    var labels: ReadLabels
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

  /// Keeps at most `bytes`; with 0, nothing.
  package init(bytes: Int) {
    capacity = bytes
  }

  /// How many bytes are kept, about.
  package var byteCount: Int { state.withLock(\.bytes) }

  /// Forgets what has not been used for so long, every now and then until the task is cancelled: nobody says when a
  /// dataset has gone.
  package func run(forgettingAfter age: Duration = .seconds(3_600)) async {
    while !Task.isCancelled {
      forget(unusedSince: .now - age)
      try? await Task.sleep(for: age / 60)
    }
  }

  /// Forgets what has not been used since then.
  func forget(unusedSince time: ContinuousClock.Instant) {
    state.withLock { state in
      for (key, entry) in state.entries where entry.keptSince < time {
        state.bytes -= entry.bytes
        state.entries[key] = nil
      }
    }
  }

  /// Hands over what is kept of a dataset: it is not kept any more, so that it can be changed where it lies.
  func take(_ tenant: TenantID, _ dataset: Int) -> ReadLabels? {
    state.withLock { state in
      let entry = state.entries.removeValue(forKey: Key(tenant: tenant, dataset: dataset))
      state.bytes -= entry?.bytes ?? 0
      return entry?.labels
    }
  }

  /// Keeps the labels of a dataset, if there is room for them.
  func keep(_ labels: ReadLabels, _ tenant: TenantID, _ dataset: Int) {
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
