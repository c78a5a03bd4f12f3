import PostgreSQL

/// What a tenant uses of what it may.
package struct Usage: Sendable, Equatable {
  /// What may be used.
  package var limits: TenantLimits
  /// How much is in use, of what is a number of things stored or running.
  package var used: [Quota: Int]
}

/// Tells what tenants use.
package struct UsageStore: Sendable {
  private let database: Database

  /// The usage in `database`.
  package init(database: Database) {
    self.database = database
  }

  /// What `tenant` uses now; no row of its data is counted for it.
  package func usage(_ tenant: TenantID) async throws -> Usage {
    try await database.transaction(for: tenant, isolation: .repeatableRead, readOnly: true) { tx in
      let limits = try await Quotas.limits(of: tenant, in: tx)
      let (rows, datasets, keys, predictions, jobs, queued, answers) = try await tx.query(
        """
        SELECT
          (SELECT coalesce(sum(positives + negatives), 0)::bigint FROM label_counts WHERE tenant_id = \(tenant)),
          (SELECT count(*) FROM datasets WHERE tenant_id = \(tenant) AND deleted_at IS NULL),
          (SELECT count(*) FROM api_keys WHERE tenant_id = \(tenant)),
          (SELECT coalesce(sum(stored), 0)::bigint FROM prediction_counts WHERE tenant_id = \(tenant)),
          (SELECT count(*) FROM jobs WHERE tenant_id = \(tenant) AND state = 'running'),
          (\(Quotas.queuedJobs(tenant))),
          (SELECT coalesce(sum(bytes), 0)::bigint FROM answer_counts WHERE tenant_id = \(tenant))
        """
      ).single().decode(Int.self, Int.self, Int.self, Int.self, Int.self, Int.self, Int.self)
      return Usage(
        limits: limits,
        used: [
          .rows: rows, .datasets: datasets, .keys: keys, .predictions: predictions, .jobs: jobs,
          .queuedJobs: queued,
          .answerBytes: answers,
        ])
    }
  }
}
