import Synchronization

/// The ledger of the memory that requests take: bodies, the rows that they expand to, answers that are being built, and pages
/// that were read from the database. What is large is entered before it is allocated.
///
/// A tenant may take half of the limit. The last quarter is left to tenants that hold little, so that one or two large ones do
/// not leave the others nothing. What is smaller than ``small`` is not counted, because the limit of connections bounds its
/// number.
package final class RequestMemory: Sendable {
  /// The limit leaves no memory at the moment; a repetition may succeed.
  package struct Exhausted: Error, Sendable, Equatable {
    /// The error.
    package init() {}
  }

  /// One request needs more than a tenant may ever take.
  package struct TooLarge: Error, Sendable, Equatable {
    /// The bytes that the request needs, as far as it has been read.
    package var bytes: Int
    /// The bytes that a request may take.
    package var limit: Int
  }

  /// The size in bytes up to which memory is not counted.
  package static let small = 16 << 10

  /// The size in bytes from which on released memory is worth returning to the system.
  private static let large = 1 << 20

  /// The default limit in bytes: a quarter of the machine's memory.
  package static let defaultLimit = MachineMemory.share(sixteenths: 4, in: (64 << 20)...(4 << 30))

  /// The memory of the process.
  package static let process = RequestMemory(limit: defaultLimit, pressure: .process)

  /// The memory in which requests count; tests replace it.
  @TaskLocal package static var current = process

  private struct State {
    var limit: Int
    var taken = 0
    var peak = 0
    var byTenant: [TenantID: Int] = [:]

    mutating func add(_ count: Int, _ tenant: TenantID) {
      taken += count
      peak = max(peak, taken)
      byTenant[tenant, default: 0] += count
      if byTenant[tenant] == 0 { byTenant[tenant] = nil }
    }
  }

  private let pressure: MemoryPressure?
  private let state: Mutex<State>

  /// A ledger.
  ///
  /// - Parameters:
  ///   - limit: the limit in bytes.
  ///   - pressure: the pressure under which tenants that hold much get no more, or none does.
  package init(limit: Int, pressure: MemoryPressure? = nil) {
    self.pressure = pressure
    state = Mutex(State(limit: limit))
  }

  /// The limit in bytes.
  package var limit: Int {
    get { state.withLock(\.limit) }
    set { state.withLock { $0.limit = newValue } }
  }

  /// The number of bytes that are reserved.
  package var taken: Int { state.withLock(\.taken) }

  /// The largest number of bytes that were reserved at a time.
  package var peak: Int { state.withLock(\.peak) }

  /// The number of bytes that a tenant has reserved, and the most that it may reserve.
  package func usage(of tenant: TenantID) -> (used: Int, limit: Int) {
    state.withLock { ($0.byTenant[tenant] ?? 0, $0.limit / 2) }
  }

  fileprivate func reserve(_ count: Int, of whole: Int, _ tenant: TenantID) -> (any Error)? {
    let level = pressure?.level ?? .none
    return state.withLock { state in
      guard whole <= state.limit / 2 else { return TooLarge(bytes: whole, limit: state.limit / 2) }
      let own = (state.byTenant[tenant] ?? 0) + count
      let isSmall = own <= state.limit / 16
      guard level < (isSmall ? .critical : .high) else { return Exhausted() }
      let ceiling = isSmall ? state.limit : state.limit - state.limit / 4
      guard own <= state.limit / 2, state.taken + count <= ceiling else { return Exhausted() }
      state.add(count, tenant)
      return nil
    }
  }

  fileprivate func release(_ count: Int, _ tenant: TenantID) {
    guard count > 0 else { return }
    state.withLock { $0.add(-count, tenant) }
    if count >= Self.large { HeapTrimmer.process.freed(count) }
  }

  /// The reservation of one request. Its last reference releases it.
  package final class Reservation: Sendable {
    private let memory: RequestMemory
    private let tenant: TenantID
    private let bytes = Mutex(0)

    /// An empty reservation for a tenant.
    ///
    /// - Parameters:
    ///   - memory: the ledger.
    ///   - tenant: the tenant whose share it uses.
    package init(of memory: RequestMemory = .current, for tenant: TenantID) {
      self.memory = memory
      self.tenant = tenant
    }

    deinit { memory.release(bytes.withLock { $0 }, tenant) }

    /// The number of reserved bytes.
    package var count: Int { bytes.withLock { $0 } }

    /// Changes the size of the reservation.
    ///
    /// - Parameter count: the number of bytes.
    /// - Returns: false, without a change, if the limit does not allow it.
    package func resize(to count: Int) -> Bool { refusal(of: count) == nil }

    /// Changes the size of the reservation.
    ///
    /// - Parameter count: the number of bytes.
    /// - Throws: ``Exhausted``, or ``TooLarge`` for more than a tenant may ever take.
    package func set(_ count: Int) throws {
      if let error = refusal(of: count) { throw error }
    }

    /// Changes the size of the reservation for an answer that is kept as a whole: a quarter of the limit is the most, since the
    /// request holds other memory as well.
    ///
    /// - Parameter count: the number of bytes.
    /// - Throws: as ``set(_:)``.
    package func set(kept count: Int) throws {
      let most = memory.limit / 4
      guard count <= most else { throw TooLarge(bytes: count, limit: most) }
      try set(count)
    }

    /// Changes the size of the reservation, and waits while others hold the memory.
    ///
    /// - Parameters:
    ///   - count: the number of bytes.
    ///   - patience: how long it waits.
    /// - Throws: as ``set(_:)``; `CancellationError`.
    package func set(_ count: Int, waiting patience: Duration) async throws {
      let deadline = ContinuousClock.now + patience
      while true {
        do {
          return try set(count)
        } catch is Exhausted where ContinuousClock.now < deadline {
          try await Task.sleep(for: .milliseconds(50))
        }
      }
    }

    /// Adds bytes to the reservation.
    ///
    /// - Parameter count: the number of further bytes.
    /// - Throws: ``Exhausted``, or ``TooLarge`` for more than a tenant may ever take.
    package func add(_ count: Int) throws { try set(self.count + count) }

    private func refusal(of count: Int) -> (any Error)? {
      bytes.withLock { bytes in
        if count > bytes {
          if let error = memory.reserve(count - bytes, of: count, tenant) { return error }
        } else {
          memory.release(bytes - count, tenant)
        }
        bytes = count
        return nil
      }
    }
  }
}
