import PostgreSQL

/// A tenant's limits and its use of them.
package struct Usage: Sendable, Equatable {
  /// The limits.
  package var limits: TenantLimits
  /// The use, by quota; absent for quotas of requests, of which nothing is stored.
  package var used: [Quota: Int]
}

/// Reads the use of tenants.
package struct UsageStore: Sendable {
  private let database: Database

  /// The usage in `database`.
  package init(database: Database) {
    self.database = database
  }

  /// The present use of `tenant`, from counters rather than by counting its rows.
  package func usage(_ tenant: TenantID) async throws -> Usage {
    try await database.read(for: tenant, isolation: .repeatableRead) { tx in
      let limits = try await Quotas.limits(of: tenant, in: tx)
      let counts = Quota.allCases.compactMap { quota in quota.usage(of: tenant).map { (quota, $0) } }
      // A statement each: in a distributed database the queue's table and the tenants' are on different nodes.
      let results = try await tx.pipeline(counts.map(\.1))
      var used: [Quota: Int] = [:]
      for ((quota, _), result) in zip(counts, results) { used[quota] = try result.single().decode(Int.self) }
      return Usage(limits: limits, used: used)
    }
  }
}
