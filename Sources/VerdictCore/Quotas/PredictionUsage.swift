import PostgreSQL
import Synchronization

/// Holds tenants to the number of predictions that they may store, by what this process knows of it.
///
/// What is stored is looked up again when it is a second old, by one request of those that come then; in between the process
/// adds what it stores itself. What was admitted and is not committed yet is kept apart, since a look does not see it. So
/// this process never goes beyond a limit; by what other processes store within a second a tenant can.
final class PredictionUsage: Sendable {
  /// How many predictions a tenant may have, and has.
  struct Snapshot: Sendable {
    var maximum: Int
    var stored: Int
  }

  private struct Entry {
    /// `nil` before the first look has come back.
    var known: Snapshot?
    var until: ContinuousClock.Instant
    var isLooking = false
    /// The first look, for which all wait that have no transaction to look in.
    var first: Task<Void, any Error>?
    /// Admitted, and neither stored nor given up.
    var inFlight = 0
    /// Stored by this process since the entry was made.
    var settled = 0
  }

  private enum Step {
    case admitted
    case refused(Snapshot)
    /// Snapshot again first; `settled` is what the entry says at the look's beginning.
    case look(settled: Int)
    case wait(Task<Void, any Error>)
  }

  private static let lifetime = Duration.seconds(1)
  private static let capacity = 10_000

  private let read: @Sendable (TenantID, Transaction?) async throws -> Snapshot
  private let clock: @Sendable () -> ContinuousClock.Instant
  private let entries = Mutex<[TenantID: Entry]>([:])

  convenience init(database: Database) {
    self.init { tenant, tx in
      if let tx { return try await Self.read(tenant, in: tx) }
      return try await database.lookUp(for: tenant) { try await Self.read(tenant, in: $0) }
    }
  }

  /// - Parameters:
  ///   - clock: tells the time; tests have one of their own.
  ///   - read: looks in the database, in the transaction if there is one.
  init(
    clock: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
    read: @escaping @Sendable (TenantID, Transaction?) async throws -> Snapshot
  ) {
    self.clock = clock
    self.read = read
  }

  /// Counts `rows` in that are about to be stored; the answer says later what became of them.
  ///
  /// - Parameter tx: a transaction of the caller's that is asked where the database is needed.
  /// - Throws: ``DomainError/quotaExceeded(_:maximum:present:)``, ``DomainError/tenantErased``.
  func admit(_ tenant: TenantID, _ rows: Int, asking tx: Transaction?) async throws -> Reservation {
    while true {
      switch step(tenant, rows, mayWait: tx == nil) {
      case .admitted: return Reservation(of: self, tenant, rows)
      case .refused(let look):
        throw DomainError.quotaExceeded(.predictions, maximum: look.maximum, present: look.stored)
      case .look(let settled): try await look(tenant, since: settled, in: tx)
      case .wait(let first): try await first.value
      }
    }
  }

  private func step(_ tenant: TenantID, _ rows: Int, mayWait: Bool) -> Step {
    let now = clock()
    return entries.withLock { entries in
      if let step = Self.step(&entries[tenant], rows, now) { return step }
      if mayWait, let first = entries[tenant]?.first { return .wait(first) }
      if entries[tenant] == nil {
        if entries.count >= Self.capacity { entries = entries.filter { $0.value.inFlight > 0 } }
        entries[tenant] = Entry(until: now)
      }
      // Who has a transaction looks in it: waiting for a connection while holding one could last for ever.
      let settled = entries[tenant]?.settled ?? 0
      guard mayWait else { return .look(settled: settled) }
      // Shared by all who wait: it carries the name of no request.
      let first = Task.detached { try await self.look(tenant, since: settled, in: nil) }
      entries[tenant]?.first = first
      return .wait(first)
    }
  }

  /// What an entry that knows something says; `nil` where there is none.
  private static func step(_ entry: inout Entry?, _ rows: Int, _ now: ContinuousClock.Instant) -> Step? {
    guard let known = entry?.known, let inFlight = entry?.inFlight, let until = entry?.until else {
      return nil
    }
    if until <= now, entry?.isLooking == false {
      // The others go on by what is known until this one has looked.
      entry?.isLooking = true
      return .look(settled: entry?.settled ?? 0)
    }
    guard known.stored + inFlight + rows <= known.maximum else { return .refused(known) }
    entry?.inFlight += rows
    return .admitted
  }

  private func look(_ tenant: TenantID, since settled: Int, in tx: Transaction?) async throws {
    let start = clock()
    let result: Result<Snapshot, any Error>
    do {
      result = .success(try await read(tenant, tx))
    } catch {
      result = .failure(error)
    }
    entries.withLock { entries in
      guard var entry = entries[tenant] else { return }
      entry.isLooking = false
      entry.first = nil
      if case .success(var look) = result {
        // What was stored since the look began it may or may not have seen.
        look.stored += entry.settled - settled
        entry.known = look
      }
      entry.until = start + Self.lifetime
      entries[tenant] = entry
    }
    _ = try result.get()
  }

  private func settle(_ tenant: TenantID, _ rows: Int, stored: Bool) {
    entries.withLock { Self.settle(&$0[tenant], rows, stored: stored) }
  }

  private static func settle(_ entry: inout Entry?, _ rows: Int, stored: Bool) {
    entry?.inFlight -= rows
    guard stored else { return }
    entry?.settled += rows
    entry?.known?.stored += rows
  }

  private static func read(_ tenant: TenantID, in tx: Transaction) async throws -> Snapshot {
    let rows = try await tx.query(
      """
      SELECT coalesce((limits->>'predictions')::bigint, \(Quota.predictions.standard ?? .max)),
             (SELECT coalesce(sum(stored), 0)::bigint FROM prediction_counts WHERE tenant_id = \(tenant))
      FROM tenants WHERE tenant_id = \(tenant)
      """)
    guard let (maximum, stored) = try rows.first?.decode(Int.self, Int.self) else {
      throw DomainError.tenantErased
    }
    return Snapshot(maximum: maximum, stored: stored)
  }

  /// Rows that were admitted. Dropped before they are stored, they are given up.
  struct Reservation: ~Copyable, Sendable {
    private let usage: PredictionUsage?
    private let tenant: TenantID
    private var rows: Int

    /// None.
    init() {
      usage = nil
      tenant = TenantID(rawValue: 0)
      rows = 0
    }

    fileprivate init(of usage: PredictionUsage, _ tenant: TenantID, _ rows: Int) {
      self.usage = usage
      self.tenant = tenant
      self.rows = rows
    }

    deinit {
      if rows > 0 { usage?.settle(tenant, rows, stored: false) }
    }

    /// The rows are stored: by now, or if `tx` commits.
    mutating func stored(in tx: Transaction?) {
      let (usage, tenant, rows) = (usage, tenant, rows)
      self.rows = 0
      if let tx {
        tx.whenEnded { usage?.settle(tenant, rows, stored: $0) }
      } else {
        usage?.settle(tenant, rows, stored: true)
      }
    }
  }
}
