import Synchronization
import VerdictCore

/// Limits the number of pooled connections that long operations hold, so that short ones (the look-up of a key, the storing of
/// a prediction) always find a free connection.
///
/// A stream holds its connection while a client sends or reads, possibly for hours. Streams get about half of the pool for all
/// tenants, and half of that for each tenant. A large body holds its connection while the database works. Streams and large
/// bodies together get three quarters of the pool, and two thirds of that for each tenant. Deletions that wait for an upload get an
/// eighth of the pool for each tenant. A request that finds no free permit
/// waits, in order of arrival, and is refused after a timeout.
final class ConnectionLimiter: Sendable {
  /// The purpose for which a connection is held.
  enum Use {
    /// A transfer at the client's pace.
    case stream
    /// A large amount of database work.
    case work
    /// A change that waits for other transactions of its dataset.
    case exclusion
  }

  /// No permit became free within the timeout.
  struct Full: Error, Sendable {}

  private struct Count {
    var streams = 0
    var exclusions = 0
    var all = 0

    mutating func add(_ use: Use, _ number: Int) {
      all += number
      if use == .stream { streams += number }
      if use == .exclusion { exclusions += number }
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

  /// Maximum number of permits of all tenants.
  private let limit: Count
  /// Maximum number of permits of one tenant.
  private let tenantLimit: Count
  private let timeout: @Sendable (Use) -> Duration
  private let state = Mutex(State())

  /// A limiter for a pool of `connections` connections.
  ///
  /// - Parameter timeout: the time that a request waits for a permit.
  init(
    connections: Int,
    timeout: @escaping @Sendable (Use) -> Duration = { $0 == .work ? .seconds(5) : .seconds(2) }
  ) {
    let all = max(1, connections - max(1, connections / 4))
    limit = Count(streams: max(1, min(connections / 2, all)), exclusions: all, all: all)
    tenantLimit = Count(
      streams: max(1, limit.streams / 2), exclusions: max(1, connections / 8), all: max(1, all - all / 3))
    self.timeout = timeout
  }

  /// The number of permits in use.
  var taken: Int { state.withLock { $0.taken.all } }

  /// The permits that a tenant holds, and the most that it may hold: those of streams, and all.
  func usage(of tenant: TenantID) -> (streams: (used: Int, limit: Int), all: (used: Int, limit: Int)) {
    let own = state.withLock { $0.byTenant[tenant] } ?? Count()
    return ((own.streams, tenantLimit.streams), (own.all, tenantLimit.all))
  }

  /// Acquires a permit, waiting for one if necessary.
  ///
  /// - Throws: ``Full``, also when the task is cancelled.
  func acquire(_ use: Use, for tenant: TenantID) async throws -> Permit {
    let id = state.withLock { state -> Int? in
      if admit(use, tenant, &state) { return nil }
      state.next += 1
      return state.next
    }
    guard let id else { return Permit(self, use, tenant) }
    let timer = Mutex<Task<Void, Never>?>(nil)
    defer { timer.withLock { $0 }?.cancel() }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let isAdmitted = state.withLock { state in
          if admit(use, tenant, &state) { return true }
          state.waiting.append(Waiting(id: id, use: use, tenant: tenant, continuation: continuation))
          return false
        }
        if isAdmitted { return continuation.resume() }
        // The timer starts when there is a waiting request for it to end. One that fires earlier ends nothing.
        timer.withLock {
          $0 = Task.detached { [self, timeout] in
            try? await Task.sleep(for: timeout(use))
            abandon(id)
          }
        }
        if Task.isCancelled { abandon(id) }
      }
    } onCancel: {
      abandon(id)
    }
    return Permit(self, use, tenant)
  }

  /// Takes a permit if one of the use and tenant is free. Every release admits waiting requests first, so a permit that is free
  /// here suits none of them, and no request is overtaken.
  private func admit(_ use: Use, _ tenant: TenantID, _ state: inout State) -> Bool {
    let own = state.byTenant[tenant] ?? Count()
    guard state.taken.all < limit.all, own.all < tenantLimit.all else { return false }
    if use == .stream {
      guard state.taken.streams < limit.streams, own.streams < tenantLimit.streams else { return false }
    }
    if use == .exclusion, own.exclusions >= tenantLimit.exclusions { return false }
    state.taken.add(use, 1)
    state.byTenant[tenant, default: Count()].add(use, 1)
    return true
  }

  /// Removes a waiting request, which then throws ``Full``.
  private func abandon(_ id: Int) {
    let waiting = state.withLock { state -> Waiting? in
      guard let index = state.waiting.firstIndex(where: { $0.id == id }) else { return nil }
      return state.waiting.remove(at: index)
    }
    waiting?.continuation.resume(throwing: Full())
  }

  fileprivate func release(_ use: Use, _ tenant: TenantID) {
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
  /// The size in bytes from which the database work for a body needs a permit.
  private static let large = 256 << 10

  /// Performs the database work for a body of `bytes` bytes, under a permit if the body is large.
  ///
  /// - Throws: ``Full``, and what `work` throws.
  func withPermit<T>(for tenant: TenantID, bytes: Int, _ work: () async throws -> T) async throws -> T {
    bytes >= Self.large ? try await withPermit(for: tenant, work) : try await work()
  }

  /// Performs database work under a permit.
  ///
  /// - Throws: ``Full``, and what `work` throws.
  func withPermit<T>(
    for tenant: TenantID, to use: Use = .work, _ work: () async throws -> T
  ) async throws -> T {
    let permit = try await acquire(use, for: tenant)
    defer { permit.release() }
    return try await work()
  }
}

/// The right to hold a pooled connection for long. The deinitializer releases a permit that was not released before, as with a
/// response whose body is never requested.
final class Permit: Sendable {
  private let limiter: ConnectionLimiter
  private let use: ConnectionLimiter.Use
  private let tenant: TenantID
  private let isHeld = Atomic(true)

  fileprivate init(_ limiter: ConnectionLimiter, _ use: ConnectionLimiter.Use, _ tenant: TenantID) {
    self.limiter = limiter
    self.use = use
    self.tenant = tenant
  }

  deinit { release() }

  /// Releases the permit; further calls have no effect.
  func release() {
    if isHeld.exchange(false, ordering: .acquiringAndReleasing) { limiter.release(use, tenant) }
  }
}
