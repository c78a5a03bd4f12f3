import Synchronization
import VerdictCore

/// Bounds how many connections of the pool are held for long, so that whoever needs one for a moment (a key to look up, a
/// prediction to store) always finds one.
///
/// Streams hold theirs while a client sends or reads, which may be hours: about half of the pool for all tenants, half of
/// that for each. Large bodies hold theirs while the database works: together with the streams three quarters of the pool,
/// two thirds of that for each tenant. Who finds no seat waits a moment, in order, and is then turned away.
final class ConnectionLimiter: Sendable {
  /// What a connection is held for.
  enum Use {
    /// A client that sends or reads at its own pace.
    case stream
    /// Much work at once.
    case work
  }

  /// There was no seat for as long as one waits for it.
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

  /// How many there may be.
  private let most: Count
  private let mostOfTenant: Count
  private let timeout: @Sendable (Use) -> Duration
  private let state = Mutex(State())

  /// ConnectionLimiter for a pool of so many connections.
  ///
  /// - Parameter patience: how long one waits.
  init(
    connections: Int,
    timeout: @escaping @Sendable (Use) -> Duration = { $0 == .stream ? .seconds(2) : .seconds(5) }
  ) {
    let all = max(1, connections - max(1, connections / 4))
    most = Count(streams: max(1, min(connections / 2, all)), all: all)
    mostOfTenant = Count(streams: max(1, most.streams / 2), all: max(1, all - all / 3))
    self.timeout = timeout
  }

  /// How many seats are taken.
  var taken: Int { state.withLock { $0.taken.all } }

  /// Takes a seat, or waits for one.
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

  /// Takes a seat if one is free. Whoever waits then waits for one of another kind: nobody is overtaken.
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

/// A seat that is taken: free again when it is left, at the latest when nobody has it any more, as with an answer whose body
/// was never asked for.
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

  /// Gives the seat up, once.
  func leave() {
    if isTaken.exchange(false, ordering: .acquiringAndReleasing) { limiter.leave(use, tenant) }
  }
}
