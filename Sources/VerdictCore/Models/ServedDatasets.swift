import Learning
public import PostgreSQL
import Synchronization

/// The datasets that this process predicts for, kept in memory and up to date.
///
/// A change is announced on ``DatasetChanges/channel``. While the channel is known to be up, what is kept is used as it is;
/// when it is down, or has given no sign of life for ``patience``, each use first compares the revision with the database. A
/// stored prediction compares it once more in its own INSERT, so that no answer outlives a change that was committed
/// before it.
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
    // The last time at which the channel was known to be up; nil when it is known to be down.
    var heard: ContinuousClock.Instant?
    // Counts invalidations, so that a load that began before one is not kept after it.
    var generation = 0
  }

  private let database: Database
  private let datasets: DatasetStore
  private let models: ModelStore
  private let capacity: Int
  private let state = Mutex(State())

  /// How long a channel that says nothing counts as up: a connection can vanish without a word. The heartbeat should be
  /// a fraction of it.
  public static let patience = Duration.seconds(2)

  /// How often a model is looked for that others replace at the same time.
  private static let looks = 10
  /// How long the database has to answer before a request for a prediction is told that it is away.
  static let databaseLimit = Duration.seconds(5)

  /// Keeps at most `capacity` datasets; the longest unused one goes first.
  public init(database: Database, capacity: Int = 1_000) {
    self.database = database
    self.datasets = DatasetStore(database: database)
    self.models = ModelStore(database: database)
    self.capacity = capacity
  }

  /// The dataset of that name, from memory if it is there and known to be current.
  ///
  /// - Parameter tx: a transaction of the caller's that is asked where the database is needed: a second connection for one
  ///   request could be one that only requests in the same need would give back.
  /// - Throws: ``DomainError/notFound(what:)``; ``PostgreSQLError`` when the database is needed and away;
  ///   ``PredictionWriter/Overloaded`` while models replace each other faster than they can be read.
  public func served(
    _ tenant: TenantID, named name: String, asking tx: Transaction? = nil
  ) async throws -> ServedDataset {
    let key = Name(tenant: tenant, dataset: name)
    let now = ContinuousClock.now
    let (kept, isListening, generation) = state.withLock { state in
      let isListening = state.heard.map { now - $0 < Self.patience } ?? false
      state.uses += 1
      state.entries[key]?.lastUse = state.uses
      return (state.entries[key]?.served, isListening, state.generation)
    }
    if let kept {
      if isListening { return kept }
      if try await revision(tenant, named: name, asking: tx) == kept.dataset.revision { return kept }
    }
    let loaded = try await load(tenant, named: name, asking: tx)
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
  public func listeningBegan() { forgetAll(heard: .now) }

  /// All announcements from before this time have come in.
  public func listening(since time: ContinuousClock.Instant) {
    state.withLock { state in
      if let heard = state.heard { state.heard = max(heard, time) }
    }
  }

  /// Announcements may be missed from now on.
  public func listeningEnded() { forgetAll(heard: nil) }

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

  private func forgetAll(heard: ContinuousClock.Instant?) {
    state.withLock { state in
      state.generation += 1
      state.entries = [:]
      state.heard = heard
    }
  }

  private func revision(
    _ tenant: TenantID, named name: String, asking tx: Transaction?
  ) async throws -> Int? {
    let query: Query = "SELECT revision FROM datasets WHERE tenant_id = \(tenant) AND name = \(name)"
    if let tx {
      return try await tx.limited(to: Self.databaseLimit).query(query).first?.decode(Int.self)
    }
    return try await database.transaction(for: tenant, readOnly: true, within: Self.databaseLimit) { tx in
      try await tx.query(query).first?.decode(Int.self)
    }
  }

  private func load(
    _ tenant: TenantID, named name: String, asking tx: Transaction?
  ) async throws -> ServedDataset {
    if let tx { return try await load(tenant, named: name, in: tx.limited(to: Self.databaseLimit)) }
    return try await database.transaction(
      for: tenant, isolation: .repeatableRead, readOnly: true, within: Self.databaseLimit
    ) { try await load(tenant, named: name, in: $0) }
  }

  /// In a transaction without one snapshot a newer model can become active between the two looks, and the version that the
  /// first one saw can be pruned: then there is another look.
  private func load(_ tenant: TenantID, named name: String, in tx: Transaction) async throws -> ServedDataset
  {
    for _ in 0..<Self.looks {
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      guard let version = dataset.activeVersion else {
        return ServedDataset(dataset: dataset, schema: dataset.schema, model: nil, evidence: nil)
      }
      guard let record = try await models.find(tenant, dataset: dataset.id, version: version, in: tx) else {
        continue
      }
      let model = ServedModel(
        version: version, labelsUsed: record.labelsUsed, kpis: record.kpis, model: record.model,
        features: Array(dataset.features.prefix(record.model.features.count)))
      var evidence: GateEvidence?
      if let gate = dataset.gate {
        evidence = try await LiveMeasuring.evidence(
          for: gate, tenant, dataset: dataset.id, version: version, validation: record.kpis, in: tx)
      }
      return ServedDataset(dataset: dataset, schema: dataset.schema, model: model, evidence: evidence)
    }
    throw PredictionWriter.Overloaded()
  }
}
