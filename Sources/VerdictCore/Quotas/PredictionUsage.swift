import PostgreSQL
import Synchronization

/// Enforces the limit on stored predictions from a cached count, so that a prediction costs no query of its own.
///
/// The count is read again after a second, by one of the requests that arrive then; meanwhile the process adds the
/// predictions that it stores itself. Admitted predictions that are not committed yet count separately, since a read does
/// not see them. This process therefore never exceeds a limit; a tenant can, by what other processes store in a second.
final class PredictionUsage: Sendable {
  private struct Entry {
    /// `nil` until the first read has returned.
    var known: QuotaUsage?
    var expiry: ContinuousClock.Instant
    var isRefreshing = false
    /// The first read, which callers without a transaction wait for.
    var firstRead: Task<Void, any Error>?
    /// Rows that are admitted, and neither stored nor abandoned.
    var inFlight = 0
    /// Rows stored by this process since the entry was created.
    var settled = 0
  }

  private enum Step {
    case admitted
    case refused(QuotaUsage)
    /// The caller reads first; `settled` is the entry's value when the read begins.
    case refresh(settled: Int)
    case wait(Task<Void, any Error>)
  }

  private static let lifetime = Duration.seconds(1)
  private static let capacity = 10_000

  private let read: @Sendable (TenantID, Transaction?) async throws -> QuotaUsage
  private let clock: @Sendable () -> ContinuousClock.Instant
  private let entries = Mutex<[TenantID: Entry]>([:])

  convenience init(database: Database) {
    self.init { tenant, tx in
      if let tx { return try await Self.read(tenant, in: tx) }
      return try await database.lookUp(for: tenant, isUrgent: true) { try await Self.read(tenant, in: $0) }
    }
  }

  /// - Parameters:
  ///   - clock: the time, which tests replace.
  ///   - read: reads limit and use, in the transaction if there is one.
  init(
    clock: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
    read: @escaping @Sendable (TenantID, Transaction?) async throws -> QuotaUsage
  ) {
    self.clock = clock
    self.read = read
  }

  /// Reserves room for `rows` predictions; the reservation records later whether they were stored.
  ///
  /// - Parameter tx: the caller's transaction, used for a read if one is needed.
  /// - Throws: ``DomainError/quotaExceeded(_:maximum:present:)``, ``DomainError/tenantErased``.
  func admit(_ tenant: TenantID, _ rows: Int, asking tx: Transaction?) async throws -> Reservation {
    while true {
      switch step(tenant, rows, mayWait: tx == nil) {
      case .admitted: return Reservation(of: self, tenant, rows)
      case .refused(let usage):
        throw DomainError.quotaExceeded(.predictions, maximum: usage.maximum, present: usage.present)
      case .refresh(let settled): try await refresh(tenant, since: settled, in: tx)
      case .wait(let firstRead): try await firstRead.value
      }
    }
  }

  private func step(_ tenant: TenantID, _ rows: Int, mayWait: Bool) -> Step {
    let now = clock()
    return entries.withLock { entries in
      if let step = Self.step(&entries[tenant], rows, now) { return step }
      if mayWait, let firstRead = entries[tenant]?.firstRead { return .wait(firstRead) }
      if entries[tenant] == nil {
        if entries.count >= Self.capacity { entries = entries.filter { $0.value.inFlight > 0 } }
        entries[tenant] = Entry(expiry: now)
      }
      // A caller with a transaction reads in it: a wait for a second connection while it holds one could deadlock.
      let settled = entries[tenant]?.settled ?? 0
      guard mayWait else { return .refresh(settled: settled) }
      // Detached, since its log lines must not carry the id of one of the requests that share it.
      let firstRead = Task.detached { try await self.refresh(tenant, since: settled, in: nil) }
      entries[tenant]?.firstRead = firstRead
      return .wait(firstRead)
    }
  }

  /// The step that an entry with a known count allows; `nil` without one.
  private static func step(_ entry: inout Entry?, _ rows: Int, _ now: ContinuousClock.Instant) -> Step? {
    guard let known = entry?.known, let inFlight = entry?.inFlight, let expiry = entry?.expiry else {
      return nil
    }
    if expiry <= now, entry?.isRefreshing == false {
      // Concurrent callers continue with the old count.
      entry?.isRefreshing = true
      return .refresh(settled: entry?.settled ?? 0)
    }
    guard known.present + inFlight + rows <= known.maximum else { return .refused(known) }
    entry?.inFlight += rows
    return .admitted
  }

  private func refresh(_ tenant: TenantID, since settled: Int, in tx: Transaction?) async throws {
    let start = clock()
    let result: Result<QuotaUsage, any Error>
    do {
      result = .success(try await read(tenant, tx))
    } catch {
      result = .failure(error)
    }
    entries.withLock { entries in
      guard var entry = entries[tenant] else { return }
      entry.isRefreshing = false
      entry.firstRead = nil
      if case .success(var usage) = result {
        // The read may or may not include rows that were stored since it began.
        usage.present += entry.settled - settled
        entry.known = usage
      }
      entry.expiry = start + Self.lifetime
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
    entry?.known?.present += rows
  }

  private static func read(_ tenant: TenantID, in tx: Transaction) async throws -> QuotaUsage {
    guard let row = try await tx.query(QuotaUsage.statement(.predictions, of: tenant)).first else {
      throw DomainError.tenantErased
    }
    return try QuotaUsage(row)
  }

  /// Room for admitted rows. A reservation that is dropped before ``stored(in:)`` gives the room back.
  struct Reservation: ~Copyable, Sendable {
    private let usage: PredictionUsage?
    private let tenant: TenantID
    private var rows: Int

    /// An empty reservation.
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

    /// Records that the rows are stored: now, or when `tx` commits.
    mutating func stored(in tx: Transaction?) {
      let (usage, tenant, rows) = (usage, tenant, rows)
      self.rows = 0
      if let tx {
        tx.onCompletion { usage?.settle(tenant, rows, stored: $0) }
      } else {
        usage?.settle(tenant, rows, stored: true)
      }
    }
  }
}
