import Foundation
import PostgreSQL

/// Taking jobs up, and keeping them: claims and the renewal of leases.
extension JobQueue {
  /// Claims the next job, or none.
  ///
  /// Tenants take turns: first comes the tenant with the fewest running jobs, among equals the one whose last job started
  /// longest ago, whatever the number of waiting jobs. Within a tenant jobs go by priority, then by time. Subjects with a
  /// running job and tenants at their limit are skipped.
  ///
  /// - Parameters:
  ///   - worker: the worker's name, stored for people who look at the table.
  ///   - skipped: tenants that are passed over.
  public func claim(worker: String, passingOver skipped: [Int32] = []) async throws -> Lease? {
    try await transaction { transaction in
      // Claims of a kind are serialized: two at once could each see a tenant just below its limit. The second statement's
      // snapshot is taken after the lock and includes the previous claim.
      let results = try await transaction.pipeline([
        "SELECT pg_advisory_xact_lock(\(Self.claimLock), hashtext(\(kind)))",
        nextJob(worker: worker, passingOver: skipped),
      ])
      guard let row = results.last?.first else { return nil }
      return try Lease(job: Job(row), token: row.decode(column: "lease_token"))
    }
  }

  /// The first key of the advisory lock; the second is the kind's hash.
  private static let claimLock: Int32 = 0x4a_4f_42_53

  /// The recursive part is a loose scan of the index `jobs_waiting`: one step a tenant, not one a job. The locking SELECT
  /// stands in a CTE of its own, so that exactly one row is locked. A row that a request has locked, to cancel or to join
  /// the job, is skipped.
  private func nextJob(worker: String, passingOver skipped: [Int32]) -> Query {
    """
    WITH RECURSIVE tenants AS (
      (SELECT tenant_id FROM jobs WHERE state = 'queued' AND kind = \(kind) ORDER BY tenant_id LIMIT 1)
      UNION ALL
      SELECT (SELECT jobs.tenant_id FROM jobs
              WHERE state = 'queued' AND kind = \(kind) AND jobs.tenant_id > tenants.tenant_id
              ORDER BY jobs.tenant_id LIMIT 1)
      FROM tenants WHERE tenants.tenant_id IS NOT NULL
    ), candidates AS (
      SELECT tenant_id, id, load.running, turn.last
      FROM tenants
      CROSS JOIN LATERAL (
        SELECT count(*) AS running, coalesce(array_agg(subject), '{}') AS subjects FROM jobs
        WHERE jobs.tenant_id = tenants.tenant_id AND kind = \(kind) AND state = 'running'
      ) AS load
      CROSS JOIN LATERAL (
        SELECT max(claimed_at) AS last FROM jobs WHERE jobs.tenant_id = tenants.tenant_id AND kind = \(kind)
      ) AS turn
      CROSS JOIN LATERAL (
        SELECT id FROM jobs
        WHERE jobs.tenant_id = tenants.tenant_id AND kind = \(kind) AND state = 'queued' AND run_at <= now()
          AND subject <> ALL (load.subjects)
        ORDER BY priority DESC, run_at, id LIMIT 1
      ) AS first
      WHERE load.running < coalesce(
        (SELECT own.running FROM job_limits own WHERE own.tenant_id = tenants.tenant_id),
        \(configuration.runningPerTenant))
        AND tenants.tenant_id <> ALL (\(skipped))
    ), chosen AS (
      SELECT jobs.tenant_id, jobs.id, clock_timestamp() AS now
      FROM candidates JOIN jobs USING (tenant_id, id)
      WHERE jobs.state = 'queued'
      ORDER BY candidates.running, candidates.last NULLS FIRST, jobs.run_at, jobs.tenant_id
      LIMIT 1 FOR UPDATE OF jobs SKIP LOCKED
    ), job AS (
      UPDATE jobs SET
        state = 'running', attempt = attempt + 1, progress = 0, phase = NULL, error = NULL,
        started_at = chosen.now, claimed_at = chosen.now, worker = \(worker),
        lease_token = gen_random_uuid(),
        lease_expires_at = clock_timestamp() + make_interval(secs => \(configuration.lease / .seconds(1))),
        \(JobTransition.assignments(to: "'running'", attempt: "jobs.attempt + 1", at: "chosen.now"))
      FROM chosen
      WHERE jobs.tenant_id = chosen.tenant_id AND jobs.id = chosen.id
      RETURNING jobs.*
    )
    SELECT \(Job.columns), lease_token, \(eventNotification(of: "job")) FROM job
    """
  }

  /// Renews leases and stores progress, all in one statement.
  ///
  /// A job that another transaction is just ending is locked. It is skipped and counts as renewed, so that a long commit of
  /// one job does not delay the leases of the others.
  ///
  /// - Parameter executor: a transaction that began with ``setup``.
  nonisolated(nonsending) func renew(_ renewals: [LeaseRenewal], in executor: some QueryExecutor) async throws
    -> [RenewalResult]
  {
    let rows = try await executor.query(
      """
      WITH renew AS (
        SELECT * FROM unnest(
          \(renewals.map(\.lease.job.tenant)), \(renewals.map(\.lease.job.id)), \(renewals.map(\.lease.token)),
          \(renewals.map { $0.progress != nil }), \(renewals.map { $0.progress?.fraction ?? 0 }),
          \(renewals.map { $0.progress?.phase })
        ) WITH ORDINALITY AS renew (tenant_id, id, token, has_news, progress, phase, number)
      ), held AS (
        SELECT renew.*, jobs.cancel_requested
        FROM renew JOIN jobs USING (tenant_id, id)
        WHERE jobs.state = 'running' AND jobs.lease_token = renew.token
      ), free AS (
        SELECT jobs.tenant_id, jobs.id
        FROM held JOIN jobs USING (tenant_id, id)
        WHERE jobs.state = 'running' AND jobs.lease_token = held.token
        FOR UPDATE OF jobs SKIP LOCKED
      ), job AS (
        UPDATE jobs SET
          lease_expires_at = clock_timestamp() + make_interval(secs => \(configuration.lease / .seconds(1))),
          progress = CASE WHEN has_news THEN held.progress ELSE jobs.progress END,
          phase = CASE WHEN has_news THEN held.phase ELSE jobs.phase END,
          event = CASE WHEN has_news THEN jobs.event + 1 ELSE jobs.event END
        FROM held JOIN free USING (tenant_id, id)
        WHERE jobs.tenant_id = held.tenant_id AND jobs.id = held.id
        RETURNING jobs.*, has_news
      ), notified AS (
        SELECT \(eventNotification(of: "job")) FROM job WHERE has_news
      )
      SELECT number, cancel_requested, (SELECT count(*) FROM notified) FROM held
      """)
    var results = [RenewalResult](repeating: .lost, count: renewals.count)
    for row in rows {
      let number = try row.decode(at: 0, as: Int.self)
      guard results.indices.contains(number - 1) else { continue }
      results[number - 1] = try row.decode(at: 1) ? .cancelRequested : .renewed
    }
    return results
  }
}
