import Synchronization
import VerdictCore

/// Limits how many connections of the pool are held for long, so that short uses (a key look-up, the INSERT of a prediction)
/// always find one.
///
/// A stream holds a connection while its client sends or reads, perhaps for hours: all streams may use about half of the
/// pool, those of one tenant half of that. A large body holds one while the database works: together with the streams they
/// may use three quarters of the pool, those of one tenant two thirds of that. A caller beyond a limit waits in order, and
/// fails after a timeout.
final class ConnectionLimiter: Sendable {
  /// The use of a connection.
  enum Use {
    /// For a client that sends or reads at its own pace.
    case stream
    /// For long work of the database.
    case work
  }

  /// No permit became available within the timeout.
  struct Full: Error, Sendable {}

  private struct Count {
    var streams = 0
    var all = 0

    mutating func add(_ use: Use, _ number: Int) {
      all += number
      if use == .stream { streams += number }
    }
  }

  private struct Waiting {
    var id: Int
    var use: Use
    var tenant: TenantID
    var continuation: CheckedContinuation<Void, any Error>
  }

  private struct State {
    var taken = Count()
    var byTenant: [TenantID: Count] = [:]
    var waiting: [Waiting] = []
    var next = 0
  }

  /// The limits for all tenants, and for each.
  private let most: Count
  private let mostOfTenant: Count
  private let timeout: @Sendable (Use) -> Duration
  private let state = Mutex(State())

  /// A limiter for a pool of so many connections.
  ///
  /// - Parameter timeout: the longest wait for a permit.
  init(
    connections: Int,
    timeout: @escaping @Sendable (Use) -> Duration = { $0 == .stream ? .seconds(2) : .seconds(5) }
  ) {
    let all = max(1, connections - max(1, connections / 4))
    most = Count(streams: max(1, min(connections / 2, all)), all: all)
    mostOfTenant = Count(streams: max(1, most.streams / 2), all: max(1, all - all / 3))
    self.timeout = timeout
  }

  /// The number of permits in use.
  var taken: Int { state.withLock { $0.taken.all } }

  /// Takes a permit, or waits for one.
  ///
  /// - Throws: ``Full``.
  func take(_ use: Use, for tenant: TenantID) async throws -> Permit {
    let id = state.withLock { state -> Int? in
      if admit(use, tenant, &state) { return nil }
      state.next += 1
      return state.next
    }
    guard let id else { return Permit(self, use, tenant) }
    let alarm = Task.detached { [self, timeout] in
      try? await Task.sleep(for: timeout(use))
      giveUp(id)
    }
    defer { alarm.cancel() }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let isAdmitted = state.withLock { state in
          if admit(use, tenant, &state) { return true }
          state.waiting.append(Waiting(id: id, use: use, tenant: tenant, continuation: continuation))
          return false
        }
        if isAdmitted { continuation.resume() }
        if Task.isCancelled { giveUp(id) }
      }
    } onCancel: {
      giveUp(id)
    }
    return Permit(self, use, tenant)
  }

  /// Takes a permit if one is free. Callers that wait at that moment wait for another use or tenant, so none is overtaken.
  private func admit(_ use: Use, _ tenant: TenantID, _ state: inout State) -> Bool {
    let own = state.byTenant[tenant] ?? Count()
    guard state.taken.all < most.all, own.all < mostOfTenant.all else { return false }
    if use == .stream {
      guard state.taken.streams < most.streams, own.streams < mostOfTenant.streams else { return false }
    }
    state.taken.add(use, 1)
    state.byTenant[tenant, default: Count()].add(use, 1)
    return true
  }

  private func giveUp(_ id: Int) {
    let waiting = state.withLock { state -> Waiting? in
      guard let index = state.waiting.firstIndex(where: { $0.id == id }) else { return nil }
      return state.waiting.remove(at: index)
    }
    waiting?.continuation.resume(throwing: Full())
  }

  fileprivate func leave(_ use: Use, _ tenant: TenantID) {
    let admitted = state.withLock { state -> [Waiting] in
      state.taken.add(use, -1)
      state.byTenant[tenant]?.add(use, -1)
      if state.byTenant[tenant]?.all == 0 { state.byTenant[tenant] = nil }
      var admitted: [Waiting] = []
      var remaining: [Waiting] = []
      for each in state.waiting {
        if admit(each.use, each.tenant, &state) { admitted.append(each) } else { remaining.append(each) }
      }
      state.waiting = remaining
      return admitted
    }
    for each in admitted { each.continuation.resume() }
  }
}

extension ConnectionLimiter {
  /// From how many bytes on the work of the database with a body takes a permit.
  private static let large = 256 << 10

  /// Runs the database's work with a body of so many bytes, under a permit if the body is large.
  ///
  /// - Throws: ``Full``, and what `work` throws.
  func withPermit<T>(for tenant: TenantID, bytes: Int, _ work: () async throws -> T) async throws -> T {
    bytes >= Self.large ? try await withPermit(for: tenant, work) : try await work()
  }

  /// Runs long work of the database under a permit.
  ///
  /// - Throws: ``Full``, and what `work` throws.
  func withPermit<T>(for tenant: TenantID, _ work: () async throws -> T) async throws -> T {
    let permit = try await take(.work, for: tenant)
    defer { permit.leave() }
    return try await work()
  }
}

/// The right to hold a connection. It is returned by ``leave()``, or when the last reference goes, as for a response whose
/// body is never written.
final class Permit: Sendable {
  private let limiter: ConnectionLimiter
  private let use: ConnectionLimiter.Use
  private let tenant: TenantID
  private let isTaken = Atomic(true)

  fileprivate init(_ limiter: ConnectionLimiter, _ use: ConnectionLimiter.Use, _ tenant: TenantID) {
    self.limiter = limiter
    self.use = use
    self.tenant = tenant
  }

  deinit { leave() }

  /// Returns the permit; further calls have no effect.
  func leave() {
    if isTaken.exchange(false, ordering: .acquiringAndReleasing) { limiter.leave(use, tenant) }
  }
}
