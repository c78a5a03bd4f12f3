import Foundation
import PostgreSQL

/// What a worker says about a job that it is doing.
struct LeaseRenewal: Sendable {
  var lease: Lease
  /// What has been done since the last time; `nil` for no news.
  var progress: Progress?
}

/// How far a job has come.
struct Progress: Sendable, Equatable {
  /// 0…1
  var fraction: Double
  /// In the handler's words.
  var phase: String?
}

/// What the queue says to a worker about a job.
enum RenewalResult: Sendable {
  /// The lease is renewed.
  case renewed
  /// The lease is renewed, and the job is to be ended.
  case cancelRequested
  /// The job is no longer this worker's.
  case lost
}

extension JobQueue {
  /// Renews leases and stores progress, all in one statement.
  ///
  /// A job that is just being ended in another transaction is locked: it is left alone and counts as renewed, so that a
  /// long commit of one job does not hold up the leases of the others.
  /// - Parameter executor: runs with the setting ``asWorker``.
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
          lease_expires_at = clock_timestamp() + make_interval(secs => \(configuration.lease.inSeconds)),
          progress = CASE WHEN has_news THEN held.progress ELSE jobs.progress END,
          phase = CASE WHEN has_news THEN held.phase ELSE jobs.phase END,
          event = CASE WHEN has_news THEN jobs.event + 1 ELSE jobs.event END
        FROM held JOIN free USING (tenant_id, id)
        WHERE jobs.tenant_id = held.tenant_id AND jobs.id = held.id
        RETURNING jobs.*, has_news
      ), told AS (
        SELECT \(Self.event(of: "job")) FROM job WHERE has_news
      )
      SELECT number, cancel_requested, (SELECT count(*) FROM told) FROM held
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
