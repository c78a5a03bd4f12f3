/// Results of reads of many rows, which requests share: one read at a time for each tenant, with a pause after each.
///
/// The pause is three times as long as the read, so that the requests of one tenant keep a quarter of one processor of the database
/// busy at most, however many they are. A result answers all requests for the same state of the rows. One that took long to make
/// also answers requests for later states, for ten times as long.
actor PacedReads<Subject: Hashable & Sendable, Version: Equatable & Sendable, Value: Sendable> {
  private struct Kept {
    var version: Version
    var value: Value
    /// When the read began.
    var began: ContinuousClock.Instant
    /// Until when it answers requests for the same version.
    var holdsUntil: ContinuousClock.Instant
    /// Until when it answers requests for other versions.
    var repliesUntil: ContinuousClock.Instant
    var lastUse: Int
  }

  private struct Flight {
    var subject: Subject
    var version: Version
    var began: ContinuousClock.Instant
    var task: Task<Value, any Error>
  }

  private let capacity: Int
  /// How long a request waits for its turn.
  private let patience: Duration
  private var kept: [Subject: Kept] = [:]
  private var flights: [TenantID: Flight] = [:]
  private var pauses: [TenantID: ContinuousClock.Instant] = [:]
  private var uses = 0

  /// The duration from which on a read counts as long.
  private static var long: Duration { .milliseconds(100) }
  /// The age at which a result is used no more.
  private let lifetime: Duration

  /// Keeps at most `capacity` results for `lifetime`; the least recently used one goes first.
  init(capacity: Int = 128, patience: Duration = .seconds(5), lifetime: Duration = .seconds(10)) {
    self.capacity = capacity
    self.patience = patience
    self.lifetime = lifetime
  }

  /// The result of `read` for a subject, or one that was kept.
  ///
  /// - Parameters:
  ///   - tenant: the tenant whose turn it is.
  ///   - version: the state of the rows that the result must reflect, unless the read takes long.
  /// - Throws: ``ReadsBusy`` after ``patience``; what `read` throws.
  func value(
    _ tenant: TenantID, _ subject: Subject, version: Version,
    read: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    let arrival = ContinuousClock.now
    let deadline = arrival + patience
    while true {
      let now = ContinuousClock.now
      if let value = find(subject, version, since: arrival, now: now) { return value }
      if let flight = flights[tenant] {
        if flight.subject == subject, flight.version == version || flight.began >= arrival {
          return try await flight.task.value
        }
        guard now < deadline else { throw ReadsBusy() }
        _ = await flight.task.result
        continue
      }
      if let end = pauses[tenant], end > now {
        guard end < deadline else { throw ReadsBusy() }
        try await Task.sleep(until: end)
        continue
      }
      return try await start(tenant, subject, version, read).value
    }
  }

  private func find(
    _ subject: Subject, _ version: Version, since arrival: ContinuousClock.Instant,
    now: ContinuousClock.Instant
  ) -> Value? {
    guard let entry = kept[subject] else { return nil }
    guard
      entry.began >= arrival || entry.repliesUntil > now
        || (entry.version == version && entry.holdsUntil > now)
    else { return nil }
    uses += 1
    kept[subject]?.lastUse = uses
    return entry.value
  }

  /// Begins a read, which ends even if the request that waits for it is cancelled: others may have joined.
  private func start(
    _ tenant: TenantID, _ subject: Subject, _ version: Version,
    _ read: @escaping @Sendable () async throws -> Value
  ) -> Task<Value, any Error> {
    let began = ContinuousClock.now
    let task = Task.detached {
      let result: Result<Value, any Error>
      do {
        result = .success(try await read())
      } catch {
        result = .failure(error)
      }
      await self.end(tenant, subject, version, began, result)
      return try result.get()
    }
    flights[tenant] = Flight(subject: subject, version: version, began: began, task: task)
    return task
  }

  private func end(
    _ tenant: TenantID, _ subject: Subject, _ version: Version, _ began: ContinuousClock.Instant,
    _ result: Result<Value, any Error>
  ) {
    let now = ContinuousClock.now
    let duration = now - began
    flights[tenant] = nil
    if pauses.count >= 1_000 { pauses = pauses.filter { $0.value > now } }
    pauses[tenant] = now + duration * 3
    guard case .success(let value) = result else { return }
    if kept[subject] == nil, kept.count >= capacity,
      let oldest = kept.min(by: { $0.value.lastUse < $1.value.lastUse })
    {
      kept[oldest.key] = nil
    }
    uses += 1
    kept[subject] = Kept(
      version: version, value: value, began: began, holdsUntil: began + lifetime,
      repliesUntil: duration < Self.long ? began : min(now + duration * 10, began + lifetime),
      lastUse: uses)
  }
}

/// A tenant has more long reads under way than it may.
package struct ReadsBusy: Error, Sendable {}
