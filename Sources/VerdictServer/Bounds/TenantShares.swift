import VerdictCore

/// The parts of this process that one tenant may use at a time: limits that no setting of the tenant raises.
struct TenantShares: Sendable {
  /// One part.
  struct Share: Sendable {
    /// The name in JSON.
    var name: String
    /// The present use.
    var used: Int
    /// The most that the tenant may use.
    var limit: Int
  }

  let limiter: ConnectionLimiter

  /// The shares of a tenant.
  func of(_ tenant: TenantID) -> [Share] {
    let permits = limiter.usage(of: tenant)
    let memory = RequestMemory.current.usage(of: tenant)
    return [
      Share(name: "connections", used: permits.all.used, limit: permits.all.limit),
      Share(name: "streams", used: permits.streams.used, limit: permits.streams.limit),
      Share(name: "request_memory_bytes", used: memory.used, limit: memory.limit),
    ]
  }
}
