import Synchronization

/// Which tenants a worker passes over for a while, so that one that has always more to do leaves the machine to others' requests.
final class TenantCooldown: Sendable {
  private let ends = Mutex<[Int32: ContinuousClock.Instant]>([:])

  /// Passes a tenant over for so long from now on.
  func begin(_ tenant: Int32, for duration: Duration) {
    ends.withLock { $0[tenant] = .now + duration }
  }

  /// The tenants that rest.
  var tenants: [Int32] {
    let now = ContinuousClock.now
    return ends.withLock { ends in
      ends = ends.filter { $0.value > now }
      return Array(ends.keys)
    }
  }
}
