import Synchronization

/// The tenants that a worker skips for a while, so that a tenant with a constant backlog leaves the machine to other
/// tenants' requests.
final class TenantCooldown: Sendable {
  private let ends = Mutex<[Int32: ContinuousClock.Instant]>([:])

  /// Skips a tenant from now on for a duration.
  func begin(_ tenant: Int32, for duration: Duration) {
    ends.withLock { $0[tenant] = .now + duration }
  }

  /// The tenants that are skipped now.
  var tenants: [Int32] {
    let now = ContinuousClock.now
    return ends.withLock { ends in
      ends = ends.filter { $0.value > now }
      return Array(ends.keys)
    }
  }
}
