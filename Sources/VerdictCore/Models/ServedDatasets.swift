import Learning
import PostgreSQL
import Synchronization

/// The datasets that this process predicts for, kept in memory and up to date.
///
/// A change is announced on ``DatasetChanges/channel``. While the channel is up, what is kept is used as it is; while
/// it is down, each use first compares the revision with the database. A stored prediction compares it once more in
/// its own INSERT, so that no answer outlives a change that was committed before it.
public final class ServedDatasets: Sendable {
  private struct Name: Hashable {
    var tenant: TenantID
    var dataset: String
  }

  private struct Entry {
    var served: ServedDataset
    var lastUse: Int
  }

  private struct State {
    var entries: [Name: Entry] = [:]
    var uses = 0
    var isListening = false
    // Counts invalidations, so that a load that began before one is not kept after it.
    var generation = 0
  }

  private let database: Database
  private let datasets: DatasetStore
  private let models: ModelStore
  private let capacity: Int
  private let state = Mutex(State())

  /// Keeps at most `capacity` datasets; the longest unused one goes first.
  public init(database: Database, capacity: Int = 1_000) {
    self.database = database
    self.datasets = DatasetStore(database: database)
    self.models = ModelStore(database: database)
    self.capacity = capacity
  }

  /// The dataset of that name, from memory if it is there and known to be current.
  ///
  /// - Throws: ``DomainError/notFound(what:)``; ``PostgreSQLError`` when the database is needed and away.
  public func served(_ tenant: TenantID, named name: String) async throws -> ServedDataset {
    let key = Name(tenant: tenant, dataset: name)
    let (kept, isListening, generation) = state.withLock { state in
      state.uses += 1
      state.entries[key]?.lastUse = state.uses
      return (state.entries[key]?.served, state.isListening, state.generation)
    }
    if let kept {
      if isListening { return kept }
      if try await revision(tenant, named: name) == kept.dataset.revision { return kept }
    }
    let loaded = try await load(tenant, named: name)
    state.withLock { state in
      guard state.generation == generation else { return }
      if state.entries.count >= capacity,
        let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
      {
        state.entries[oldest.key] = nil
      }
      state.entries[key] = Entry(served: loaded, lastUse: state.uses)
    }
    return loaded
  }

  /// Forgets a dataset, after this process has changed it or has been told that another did.
  public func forget(_ tenant: TenantID, named name: String) {
    state.withLock { state in
      state.generation += 1
      state.entries[Name(tenant: tenant, dataset: name)] = nil
    }
  }

  /// Announcements come in from now on. What was announced while nobody listened is unknown: starts afresh.
  public func listeningBegan() { forgetAll(listening: true) }

  /// Announcements may be missed from now on.
  public func listeningEnded() { forgetAll(listening: false) }

  /// Forgets the dataset that an announcement on ``DatasetChanges/channel`` is about.
  public func heard(_ payload: String) {
    guard let (tenant, dataset) = DatasetChanges.parse(payload) else { return }
    state.withLock { state in
      state.generation += 1
      state.entries = state.entries.filter {
        $0.key.tenant != tenant || $0.value.served.dataset.id != dataset
      }
    }
  }

  private func forgetAll(listening: Bool) {
    state.withLock { state in
      state.generation += 1
      state.entries = [:]
      state.isListening = listening
    }
  }

  private func revision(_ tenant: TenantID, named name: String) async throws -> Int? {
    try await database.transaction(for: tenant, readOnly: true) { tx in
      try await tx.query("SELECT revision FROM datasets WHERE tenant_id = \(tenant) AND name = \(name)")
        .first?.decode(Int.self)
    }
  }

  private func load(_ tenant: TenantID, named name: String) async throws -> ServedDataset {
    // One snapshot, so that the model is the one that the dataset's row names.
    try await database.transaction(for: tenant, isolation: .repeatableRead, readOnly: true) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      var model: ServedModel?
      if let version = dataset.activeVersion {
        let record = try await models.model(tenant, dataset: dataset.id, version: version, in: tx)
        model = ServedModel(
          version: version, labelsUsed: record.labelsUsed, kpis: record.kpis, model: record.model,
          predictor: record.model.predictor(),
          features: Array(dataset.features.prefix(record.model.features.count)))
      }
      return ServedDataset(dataset: dataset, schema: dataset.schema, model: model)
    }
  }
}
