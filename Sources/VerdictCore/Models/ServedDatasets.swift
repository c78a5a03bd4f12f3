import Learning
package import PostgreSQL
import Synchronization

/// The cache of the datasets that this process predicts for.
///
/// Changes are announced on ``DatasetChanges/channel``. While the channel is up, a cached dataset is used as it is; while
/// it is down, or silent for ``livenessTimeout``, each use first compares the revision with the database. A stored
/// prediction compares it again in its own INSERT, so that no answer is based on a state from before a committed change. A
/// standby gets no notifications: there the revision is compared at the interval of ``Freshness/polled(every:)``.
///
/// While no database server runs, nothing can change: datasets that were current when it stopped stay in use.
package final class ServedDatasets: Sendable {
  private struct Name: Hashable {
    var tenant: TenantID
    var dataset: String
  }

  /// How the cache learns of changes.
  package enum Freshness: Sendable {
    /// By notifications.
    case announced
    /// By a query at the first use after each interval.
    case polled(every: Duration)
  }

  private struct Entry {
    var served: ServedDataset
    var lastUse: Int
    /// The epoch of notifications in which it was compared with the database.
    var epoch: Int
    /// When the query began that found it current.
    var checked: ContinuousClock.Instant
    /// Until when it is used without a query, regardless of notifications.
    var holdsUntil: ContinuousClock.Instant?
  }

  private struct State {
    var entries: [Name: Entry] = [:]
    var uses = 0
    // The last time at which the channel was known to be up; nil when it is known to be down.
    var lastSign: ContinuousClock.Instant?
    // Counts invalidations: a load that began before one is not cached.
    var generation = 0
    // Counts the starts of listening: notifications from before the current one may have been missed.
    var epoch = 0
    var notifications = NotificationRecord()
  }

  private let database: Database
  private let datasets: DatasetStore
  private let models: ModelStore
  private let capacity: Int
  private let freshness: Freshness
  private let state = Mutex(State())

  /// How long a silent channel counts as up, because a connection can vanish silently. The heartbeat should be a
  /// fraction of it.
  package static let livenessTimeout = Duration.seconds(2)

  /// How often a load is retried while other transactions replace the active model.
  private static let maxLoads = 10
  /// How long a cached dataset is used without another query while no database server runs.
  package static let pause = Duration.milliseconds(200)

  /// Caches at most `capacity` datasets; the least recently used one is evicted first.
  package init(database: Database, capacity: Int = 1_000, freshness: Freshness = .announced) {
    self.database = database
    self.freshness = freshness
    self.datasets = DatasetStore(database: database)
    self.models = ModelStore(database: database)
    self.capacity = capacity
  }

  /// The dataset of that name, from the cache if it is known to be current.
  ///
  /// - Parameter tx: the caller's transaction, in which queries run. A second connection for one request could deadlock on
  ///   the pool.
  /// - Throws: ``DomainError/notFound(what:)``; ``PostgreSQLError`` when the database is needed and away;
  ///   ``PredictionWriter/Overloaded`` while models replace each other faster than they can be read.
  package func served(
    _ tenant: TenantID, named name: String, asking tx: Transaction? = nil
  ) async throws -> ServedDataset {
    let key = Name(tenant: tenant, dataset: name)
    let now = ContinuousClock.now
    let (kept, isCurrent, lookUp) = state.withLock { state in
      state.uses += 1
      state.entries[key]?.lastUse = state.uses
      let entry = state.entries[key]
      let isListening = state.lastSign.map { now - $0 < Self.livenessTimeout } ?? false
      let isCurrent =
        (isListening && entry?.epoch == state.epoch) || (entry?.holdsUntil.map { $0 > now } ?? false)
      return (
        entry?.served, isCurrent, LookUpState(generation: state.generation, epoch: state.epoch, start: now)
      )
    }
    if let kept {
      if isCurrent { return kept }
      do {
        if try await revision(tenant, named: name, asking: tx) == Revision(kept.dataset) {
          keep(kept, key, lookUp)
          return kept
        }
      } catch let error as PostgreSQLError where tx == nil {
        guard error.isServerDown, holds(key, kept) else { throw error }
        return kept
      }
    }
    let loaded = try await load(tenant, named: name, asking: tx)
    keep(loaded, key, lookUp)
    return loaded
  }

  /// The state of the cache when a look-up began.
  private struct LookUpState {
    var generation: Int
    var epoch: Int
    var start: ContinuousClock.Instant
  }

  /// Whether a cached dataset is as current as when the database server stopped; then it is used without a query for
  /// ``pause``.
  private func holds(_ key: Name, _ kept: ServedDataset) -> Bool {
    state.withLock { state in
      guard let entry = state.entries[key], entry.served === kept, state.notifications.covers(entry.checked)
      else { return false }
      state.entries[key]?.holdsUntil = .now + Self.pause
      return true
    }
  }

  /// Caches a dataset that the database has just confirmed, unless it was invalidated meanwhile.
  private func keep(_ served: ServedDataset, _ key: Name, _ lookUp: LookUpState) {
    var holdsUntil: ContinuousClock.Instant?
    if case .polled(let interval) = freshness { holdsUntil = lookUp.start + interval }
    state.withLock { state in
      state.notifications.answered(at: lookUp.start)
      guard state.generation == lookUp.generation else { return }
      if state.entries[key] == nil, state.entries.count >= capacity,
        let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
      {
        state.entries[oldest.key] = nil
      }
      state.entries[key] = Entry(
        served: served, lastUse: state.uses, epoch: lookUp.epoch, checked: lookUp.start,
        holdsUntil: holdsUntil)
    }
  }

  /// Evicts a dataset after this or another process has changed it.
  package func invalidate(_ tenant: TenantID, named name: String) {
    state.withLock { state in
      state.generation += 1
      state.entries[Name(tenant: tenant, dataset: name)] = nil
    }
  }

  /// Notes that notifications arrive from now on. Earlier ones may have been missed, so each dataset is compared once.
  package func listeningBegan() {
    state.withLock { state in
      state.epoch += 1
      state.lastSign = .now
      state.notifications.began(at: .now)
      // The server is back: each use queries it again.
      for key in state.entries.keys { state.entries[key]?.holdsUntil = nil }
    }
  }

  /// Notes that all notifications from before this time have arrived.
  package func listening(since time: ContinuousClock.Instant) {
    state.withLock { state in
      if let lastSign = state.lastSign { state.lastSign = max(lastSign, time) }
    }
  }

  /// Notes that notifications may be missed from now on.
  package func listeningEnded() {
    state.withLock { state in
      state.lastSign = nil
      state.notifications.ended(at: .now)
    }
  }

  /// Removes the dataset that a notification on ``DatasetChanges/channel`` names from the cache.
  package func invalidate(_ payload: String) {
    guard let (tenant, dataset) = DatasetChanges.parse(payload) else { return }
    state.withLock { state in
      state.generation += 1
      state.entries = state.entries.filter {
        $0.key.tenant != tenant || $0.value.served.dataset.id != dataset
      }
    }
  }

  /// The identity and revision of a dataset: a recreated dataset can have the revision number of an old one.
  private struct Revision: Equatable {
    var dataset: Int
    var number: Int

    init(_ dataset: Dataset) {
      self.dataset = dataset.id
      number = dataset.revision
    }

    init(_ row: Row) throws { (dataset, number) = try row.decode(Int.self, Int.self) }
  }

  private func revision(
    _ tenant: TenantID, named name: String, asking tx: Transaction?
  ) async throws -> Revision? {
    let query: Query = "SELECT id, revision FROM datasets WHERE tenant_id = \(tenant) AND name = \(name)"
    if let tx {
      return try await tx.limited(to: Database.lookUpLimit).query(query).first.map(Revision.init)
    }
    return try await database.lookUp(for: tenant) { try await $0.query(query).first.map(Revision.init) }
  }

  private func load(
    _ tenant: TenantID, named name: String, asking tx: Transaction?
  ) async throws -> ServedDataset {
    if let tx { return try await load(tenant, named: name, in: tx.limited(to: Database.lookUpLimit)) }
    return try await database.lookUp(for: tenant, isolation: .repeatableRead) {
      try await load(tenant, named: name, in: $0)
    }
  }

  /// Loads a dataset and its active model. Without a snapshot, another model can become active between the two queries and
  /// the first one be pruned; then the load is retried.
  private func load(_ tenant: TenantID, named name: String, in tx: Transaction) async throws -> ServedDataset
  {
    for _ in 0..<Self.maxLoads {
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      guard let version = dataset.activeVersion else {
        return ServedDataset(dataset: dataset, schema: dataset.schema, model: nil, evidence: nil)
      }
      guard let record = try await models.find(tenant, dataset: dataset.id, version: version, in: tx) else {
        continue
      }
      let model = ServedModel(
        version: version, labelsUsed: record.summary.labelsUsed, kpis: record.summary.kpis,
        model: record.model,
        features: Array(dataset.features.prefix(record.model.featureNames.count)))
      var evidence: GateEvidence?
      if let gate = dataset.settings.gate {
        evidence = try await LiveMeasuring.evidence(
          for: gate, tenant, dataset: dataset.id, version: version, validation: record.summary.kpis, in: tx)
      }
      return ServedDataset(dataset: dataset, schema: dataset.schema, model: model, evidence: evidence)
    }
    throw PredictionWriter.Overloaded()
  }
}
