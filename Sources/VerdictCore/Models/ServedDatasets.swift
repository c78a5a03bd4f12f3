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
///
/// Concurrent requests for a dataset that is not cached share one load. A change ends the validity of the changed dataset
/// alone: a load of it that began earlier is neither shared with later requests nor cached, and other datasets are not
/// affected. The next load keeps the prepared model, unless another one has become active.
package final class ServedDatasets: Sendable {
  /// The dataset was changed again and again while a request read it.
  package struct Changing: Error, Sendable {
    /// Creates the error.
    package init() {}
  }

  /// How the cache learns of changes.
  package enum Freshness: Sendable {
    /// By notifications.
    case announced
    /// By a query at the first use after each interval.
    case polled(every: Duration)
  }

  private typealias Name = ServedDatasetCache.Name

  private let database: Database
  private let loader: ServedDatasetLoader
  private let freshness: Freshness
  private let loads = SingleFlight<Int, ServedDataset>()
  private let state: Mutex<State>

  /// How long a silent channel counts as up, because a connection can vanish silently. The heartbeat should be a
  /// fraction of it.
  package static let livenessTimeout = Duration.seconds(2)

  /// How often a shared load is repeated that a later query finds out of date.
  private static let attempts = 10
  /// How long a cached dataset is used without another query while no database server runs.
  package static let pause = Duration.milliseconds(200)
  /// How long a dataset stays in memory after a change, because its model may still be the active one.
  private static let staleLifetime = Duration.seconds(10)

  /// The default size of the cache: an eighth of the memory that the process may use, up to 4 GiB.
  package static let standardBytes = MachineMemory.share(sixteenths: 2, in: 16 << 20...4 << 30)

  /// Creates a cache.
  ///
  /// - Parameters:
  ///   - database: where the datasets are stored.
  ///   - bytes: the most memory that the cached datasets take. A larger one is loaded for each use.
  ///   - freshness: how the cache learns of changes.
  ///   - turns: limits the number of large models that are decoded at the same time.
  package init(
    database: Database, bytes: Int = ServedDatasets.standardBytes, freshness: Freshness = .announced,
    turns: ModelTurns = .process
  ) {
    self.database = database
    self.freshness = freshness
    loader = ServedDatasetLoader(database: database, turns: turns)
    state = Mutex(State(cache: ServedDatasetCache(capacity: bytes)))
  }

  /// The approximate size of the cached datasets in bytes.
  package var byteCount: Int { state.withLock(\.cache.byteCount) }

  /// The number of cached datasets.
  package var count: Int { state.withLock(\.cache.count) }

  /// The dataset of that name, from the cache if it is known to be current.
  ///
  /// - Parameter tx: the caller's transaction, in which queries run. A second connection for one request could deadlock on
  ///   the pool.
  /// - Throws: ``DomainError/notFound(what:)``; ``ModelTurns/Busy``; ``Changing``; ``PostgreSQLError`` when the database is
  ///   needed and away.
  package func served(
    _ tenant: TenantID, named name: String, asking tx: Transaction? = nil
  ) async throws -> ServedDataset {
    let key = Name(tenant: tenant, dataset: name)
    let now = ContinuousClock.now
    let (entry, lookUp) = state.withLock { ($0.cache.use(key), $0.lookUp(now)) }
    if let entry, entry.staleSince == nil {
      if lookUp.isListening && entry.epoch == lookUp.epoch { return entry.served }
      if let until = entry.holdsUntil, until > now { return entry.served }
      let kept = entry.served
      do {
        if try await revision(tenant, named: name, asking: tx) == Revision(kept.dataset) {
          confirm(kept, key, lookUp)
          return kept
        }
      } catch let error as PostgreSQLError where tx == nil {
        guard error.isServerDown, holds(key, kept) else { throw error }
        return kept
      }
    }
    return if let tx { try await loadAlone(key, tx) } else { try await loadTogether(key) }
  }

  /// Loads a dataset in the caller's transaction. Nobody shares the load, because the transaction ends with its request.
  private func loadAlone(_ key: Name, _ tx: Transaction) async throws -> ServedDataset {
    let (number, known) = state.withLock { state in
      (state.begin(key, isShared: false, now: .now), state.cache.peek(key)?.served)
    }
    return try await load(number, key, known: known, asking: tx)
  }

  /// Loads a dataset, or waits for the load of another request.
  private func loadTogether(_ key: Name) async throws -> ServedDataset {
    for _ in 0..<Self.attempts {
      let (number, isOwn, isListening, known) = state.withLock { state in
        let now = ContinuousClock.now
        let running = state.shared(key)
        return (
          running ?? state.begin(key, isShared: true, now: now), running == nil,
          state.lookUp(now).isListening,
          state.cache.peek(key)?.served
        )
      }
      let served = try await loads.value(for: number) { [self] in
        try await load(number, key, known: known, asking: nil)
      }
      // Without notifications, a change may have been missed between the start of a shared load and this request.
      if isOwn || isListening { return served }
      if try await revision(key.tenant, named: key.dataset, asking: nil) == Revision(served.dataset) {
        return served
      }
    }
    throw Changing()
  }

  private func load(
    _ number: Int, _ key: Name, known: ServedDataset?, asking tx: Transaction?
  ) async throws -> ServedDataset {
    do {
      let served = try await loader.load(key.tenant, named: key.dataset, known: known, asking: tx) {
        dataset in
        state.withLock { $0.found(number, dataset) }
      }
      let removed = state.withLock { $0.end(number, served, freshness) }
      // The new state often has the model of the old one.
      free(removed.filter { $0.model !== served.model })
      return served
    } catch {
      let isGone = if case DomainError.notFound = error { true } else { false }
      free(state.withLock { $0.fail(number, isGone: isGone) })
      throw error
    }
  }

  /// Frees datasets outside of the lock: a large one takes milliseconds.
  private func free(_ removed: [ServedDataset]) {
    let bytes = removed.reduce(0) { $0 + $1.byteCount }
    if bytes > 0 { HeapTrimmer.process.freed(bytes) }
  }

  /// Whether a cached dataset is as current as when the database server stopped; then it is used without a query for
  /// ``pause``.
  private func holds(_ key: Name, _ kept: ServedDataset) -> Bool {
    state.withLock { state in
      guard let entry = state.cache.peek(key), entry.served === kept, entry.staleSince == nil,
        state.notifications.covers(entry.checked)
      else { return false }
      state.cache.update(key, if: kept) { $0.holdsUntil = .now + Self.pause }
      return true
    }
  }

  /// Notes that the database has just confirmed a cached dataset, unless it was invalidated meanwhile.
  private func confirm(_ served: ServedDataset, _ key: Name, _ lookUp: LookUp) {
    state.withLock { state in
      state.notifications.answered(at: lookUp.start)
      state.cache.update(key, if: served) { entry in
        guard entry.staleSince == nil else { return }
        entry.epoch = lookUp.epoch
        entry.checked = lookUp.start
        entry.holdsUntil = freshness.holds(from: lookUp.start)
      }
    }
  }

  /// Ends the validity of a dataset after this or another process has changed it.
  package func invalidate(_ tenant: TenantID, named name: String) {
    let key = Name(tenant: tenant, dataset: name)
    state.withLock { state in
      state.cache.expire(key, now: .now)
      state.invalidateLoads { $0.key == key }
    }
    sweepLater()
  }

  /// Ends the validity of a dataset that the database has refused, unless a later state has replaced it already.
  func invalidate(_ refused: ServedDataset, _ tenant: TenantID) {
    state.withLock { state in
      state.cache.update(Name(tenant: tenant, dataset: refused.dataset.name), if: refused) { entry in
        entry.staleSince = entry.staleSince ?? .now
      }
    }
    sweepLater()
  }

  /// Ends the validity of the dataset that a notification on ``DatasetChanges/channel`` names.
  package func invalidate(_ payload: String) {
    guard let (tenant, dataset) = DatasetChanges.parse(payload) else { return }
    state.withLock { state in
      state.cache.expire(tenant, dataset: dataset, now: .now)
      state.changed(tenant, dataset)
    }
    sweepLater()
  }

  /// Removes datasets that nobody has asked for since they were changed.
  private func sweepLater() {
    guard state.withLock({ $0.schedulesSweep() }) else { return }
    // Detached, since it works for the whole process.
    Task.detached { [weak self] in
      var others = true
      while others {
        try? await Task.sleep(for: Self.staleLifetime)
        guard let self else { return }
        others = sweep()
      }
    }
  }

  /// - Returns: whether other datasets are out of date.
  private func sweep() -> Bool {
    let (removed, others) = state.withLock { state in
      let result = state.cache.sweep(staleSince: .now - Self.staleLifetime)
      state.isSweeping = result.others
      return result
    }
    free(removed)
    return others
  }

  /// Notes that notifications arrive from now on. Earlier ones may have been missed, so each dataset is compared once.
  package func listeningBegan() {
    state.withLock { state in
      state.epoch += 1
      state.lastSign = .now
      state.notifications.began(at: .now)
      // The server is back: each use queries it again.
      state.cache.releaseHolds()
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
    let query: Query =
      "SELECT id, revision FROM datasets WHERE tenant_id = \(tenant) AND name = \(name) AND writable"
    if let tx {
      return try await tx.limited(to: Database.lookUpLimit).query(query).first.map(Revision.init)
    }
    return try await database.lookUp(for: tenant) { try await $0.query(query).first.map(Revision.init) }
  }
}

extension ServedDatasets.Freshness {
  /// Until when a dataset is used without a query that a query from `start` has confirmed.
  fileprivate func holds(from start: ContinuousClock.Instant) -> ContinuousClock.Instant? {
    if case .polled(let interval) = self { start + interval } else { nil }
  }
}

extension ServedDatasets {
  /// The state of the channel when a look-up began.
  private struct LookUp {
    var isListening: Bool
    var epoch: Int
    var start: ContinuousClock.Instant
  }

  /// A running load.
  private struct Load {
    var key: Name
    var epoch: Int
    var start: ContinuousClock.Instant
    /// The number of the dataset, once it is known.
    var dataset: Int?
    /// The tenant's datasets that were changed before the number was known.
    var changed: Set<Int> = []
    /// Whether the dataset was changed since the load began.
    var isInvalid = false
  }

  private struct State {
    var cache: ServedDatasetCache
    var loads: [Int: Load] = [:]
    /// The loads that requests can share.
    var sharedLoads: [Name: Int] = [:]
    var lastLoad = 0
    /// The last time at which the channel was known to be up; `nil` when it is known to be down.
    var lastSign: ContinuousClock.Instant?
    /// Counts the starts of listening: notifications from before the current one may have been missed.
    var epoch = 0
    var notifications = NotificationRecord()
    var isSweeping = false

    init(cache: ServedDatasetCache) {
      self.cache = cache
    }

    func lookUp(_ now: ContinuousClock.Instant) -> LookUp {
      LookUp(
        isListening: lastSign.map { now - $0 < ServedDatasets.livenessTimeout } ?? false, epoch: epoch,
        start: now)
    }

    /// The running load that a request of now can share: no change has been announced since it began.
    func shared(_ key: Name) -> Int? {
      guard let number = sharedLoads[key], let load = loads[number], load.epoch == epoch, !load.isInvalid,
        load.changed.isEmpty
      else { return nil }
      return number
    }

    mutating func begin(_ key: Name, isShared: Bool, now: ContinuousClock.Instant) -> Int {
      lastLoad += 1
      loads[lastLoad] = Load(key: key, epoch: epoch, start: now)
      if isShared { sharedLoads[key] = lastLoad }
      return lastLoad
    }

    /// Notes the number of the dataset that a load has found.
    mutating func found(_ number: Int, _ dataset: Int) {
      guard let load = loads[number] else { return }
      loads[number]?.dataset = dataset
      loads[number]?.isInvalid = load.isInvalid || load.changed.contains(dataset)
      loads[number]?.changed = []
    }

    mutating func changed(_ tenant: TenantID, _ dataset: Int) {
      for (number, load) in loads where load.key.tenant == tenant {
        if load.dataset == nil {
          loads[number]?.changed.insert(dataset)
        } else if load.dataset == dataset {
          loads[number]?.isInvalid = true
        }
      }
    }

    mutating func invalidateLoads(where isAffected: (Load) -> Bool) {
      for (number, load) in loads where isAffected(load) { loads[number]?.isInvalid = true }
    }

    /// Ends a load and caches its result, unless the dataset was changed meanwhile.
    mutating func end(_ number: Int, _ served: ServedDataset, _ freshness: Freshness) -> [ServedDataset] {
      guard let load = remove(number) else { return [] }
      notifications.answered(at: load.start)
      guard !load.isInvalid else { return [] }
      // A load that began later has the later state.
      if let entry = cache.peek(load.key), entry.staleSince == nil, entry.checked > load.start { return [] }
      return cache.insert(
        ServedDatasetCache.Entry(
          served: served, epoch: load.epoch, checked: load.start,
          holdsUntil: freshness.holds(from: load.start)),
        load.key)
    }

    /// Ends a load that has failed, and removes a dataset that is gone.
    mutating func fail(_ number: Int, isGone: Bool) -> [ServedDataset] {
      guard let load = remove(number), isGone else { return [] }
      return cache.remove(load.key).map { [$0] } ?? []
    }

    private mutating func remove(_ number: Int) -> Load? {
      guard let load = loads.removeValue(forKey: number) else { return nil }
      if sharedLoads[load.key] == number { sharedLoads[load.key] = nil }
      return load
    }

    mutating func schedulesSweep() -> Bool {
      guard !isSweeping else { return false }
      isSweeping = true
      return true
    }
  }
}
