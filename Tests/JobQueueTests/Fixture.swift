import Foundation
import JobQueue
import Logging
import PostgreSQL
import TestSupport

/// A queue on a database of the test's own, as a role that row-level security binds. The database has the queue's own
/// migrations and nothing else.
struct Bench: Sendable {
  var pool: ConnectionPool
  var connection: ConnectionConfiguration
  var queue: JobQueue
  /// As the owner, past all policies.
  var admin: ConnectionPool

  /// Runs `body` in a transaction of a tenant, as a request does.
  func asTenant<T>(
    _ tenant: Int32, _ body: nonisolated(nonsending) (Transaction) async throws -> T
  ) async throws -> T {
    try await pool.transaction(setup: ["SET LOCAL app.tenant = '\(unescaped: "\(tenant)")'"], body)
  }

  @discardableResult
  func enqueue(
    tenant: Int32 = 1, subject: Int64 = 1, runAt: Date? = nil, priority: Int16 = 0, maxAttempts: Int = 5,
    coalesce: Bool = false, parameters: String = "{}"
  ) async throws -> Job {
    let new = NewJob(
      tenant: tenant, subject: subject, origin: coalesce ? "auto" : "manual",
      parameters: JSONB(bytes: Data(parameters.utf8)), runAt: runAt, priority: priority,
      maxAttempts: maxAttempts,
      coalesce: coalesce)
    return try await asTenant(tenant) { try await queue.enqueue(new, in: $0) }
  }

  func job(_ job: Job) async throws -> Job? {
    try await asTenant(job.tenant) { try await queue.job(tenant: job.tenant, id: job.id, in: $0) }
  }

  func state(_ job: Job) async throws -> JobState? { try await self.job(job)?.state }

  @discardableResult
  func cancel(_ job: Job) async throws -> Job {
    try await asTenant(job.tenant) { try await queue.cancel(tenant: job.tenant, id: job.id, in: $0) }
  }

  func succeed(_ lease: Lease, result: String = "{}") async throws {
    try await asTenant(lease.job.tenant) {
      try await queue.succeed(lease, result: JSONB(bytes: Data(result.utf8)), in: $0)
    }
  }

  /// Makes all leases expire.
  func expireLeases() async throws {
    try await admin.query("UPDATE jobs SET lease_expires_at = now() - interval '1 s' WHERE state = 'running'")
  }

  /// Ends all pauses.
  func skipPauses() async throws {
    try await admin.query("UPDATE jobs SET run_at = now() - interval '1 s' WHERE state = 'queued'")
  }
}

/// Runs `body` with an empty queue.
func withQueue<T>(
  configuration: JobQueue.Configuration = .init(), _ body: (Bench) async throws -> T
) async throws -> T {
  try await TestDatabase.withDatabase(template: "jobs", prepare: prepare) { admin in
    var app = admin
    app.sessionSetup = ["SET ROLE queue_app"]
    let pools = [app, admin].map {
      ConnectionPool(.init(connection: $0, maximum: 12, acquireTimeout: .seconds(60)))
    }
    let bench = Bench(
      pool: pools[0], connection: app,
      queue: JobQueue(pool: pools[0], kind: "training", configuration: configuration, logger: .quiet),
      admin: pools[1])
    return try await withCleanup {
      for pool in pools { await pool.close() }
    } _: {
      try await body(bench)
    }
  }
}

/// The queue of an application that is not Verdict.
let schema = JobQueueSchema(role: "queue_app", tenantSetting: "app.tenant")

@Sendable private func prepare(_ configuration: ConnectionConfiguration) async throws {
  let connection = try await Connection.connect(configuration)
  _ = try await schema.migrator(logger: .quiet).migrate(connection)
  await connection.close()
}
