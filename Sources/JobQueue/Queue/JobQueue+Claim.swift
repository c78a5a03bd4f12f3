import Foundation
import PostgreSQL

extension JobQueue {
  /// Takes up the job whose turn it is, or none.
  ///
  /// Turns go round the tenants: first the tenant with the fewest running jobs, among equals the one whose last job
  /// started longest ago, whatever the number of waiting jobs. Within a tenant: by priority, then by time. A subject
  /// with a running job waits, as does a tenant at its limit.
  ///
  /// - Parameters:
  ///   - worker: the worker's name, for people who look at the table.
  ///   - resting: tenants that are passed over.
  public func claim(worker: String, passingOver resting: [Int32] = []) async throws -> Lease? {
    try await transaction { transaction in
      // One claim at a time, or two could each see a tenant just below its limit. The second statement's snapshot is
      // taken after the lock, so it sees what the last claim did.
      let results = try await transaction.pipeline([
        "SELECT pg_advisory_xact_lock(\(Self.claimLock), hashtext(\(kind)))",
        nextJob(worker: worker, passingOver: resting),
      ])
      guard let row = results.last?.first else { return nil }
      return try Lease(job: Job(row), token: row.decode(column: "lease_token"))
    }
  }

  /// The first key of the advisory lock; the second is the kind's hash.
  private static let claimLock: Int32 = 0x4a_4f_42_53

  /// The recursive part is a loose scan of the index `jobs_waiting`: one step a tenant, not one a job. The locking SELECT
  /// stands in a CTE of its own, so that exactly one row is locked; a row that a request holds (to cancel it, or to join
  /// it) is left to that request.
  private func nextJob(worker: String, passingOver resting: [Int32]) -> Query {
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
        AND tenants.tenant_id <> ALL (\(resting))
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
        lease_expires_at = clock_timestamp() + make_interval(secs => \(configuration.lease.inSeconds)),
        \(JobTransition.assignments(to: "'running'", attempt: "jobs.attempt + 1", at: "chosen.now"))
      FROM chosen
      WHERE jobs.tenant_id = chosen.tenant_id AND jobs.id = chosen.id
      RETURNING jobs.*
    )
    SELECT \(Job.columns), lease_token, \(Self.event(of: "job")) FROM job
    """
  }
}
