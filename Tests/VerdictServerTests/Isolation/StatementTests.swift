import DomainTestSupport
import Foundation
import HTTPTestSupport
import Testing
import VerdictCore

@testable import PostgreSQL

/// Proves row-level security. Every statement of the domain runs again with its tenant filter removed, as a bug would do, as the
/// server's role, with no tenant set and with a tenant set that has no rows. Its effect must be that of a statement that
/// matches nothing. As the owner, who bypasses the policies, its effect must differ, so that each statement could fail
/// the test. If a row that a statement names no longer exists, the filters that name it are removed, too. Finally the tenant
/// is erased, with rows in every table.
@Suite struct StatementTests {
  /// A tenant that does not exist.
  private static let stranger = TenantID(rawValue: .max)

  /// Statements whose effect does not depend on the tenant.
  private static let alike: [(file: String, text: String, reason: String)] = [
    ("HighWaterMark.swift", "labels_id_seq", "a sequence has no rows of tenants"),
    ("HighWaterMark.swift", "pg_snapshot_xmin", "reads of the server's transactions, not of rows"),
    ("DatasetChanges.swift", "pg_notify", "reads nothing but its arguments"),
    ("DatasetChanges.swift", "pg_stat_activity", "reads of the database's sessions, not of rows"),
    (
      "JobQueue+Claiming.swift", "WITH renew AS", "finds jobs by the tokens of leases, of which none is left"
    ),
  ]

  @Test(.timeLimit(.minutes(10)))
  func statementsWithoutTenantFiltersReachNoOtherTenant() async throws {
    let recorder = StatementRecorder()
    try await TestServer.with(observer: { recorder.record($0, $1, $2) }) { server in
      try await StatementDriver(server: server, recorder: recorder).everything()
      // A statement that is never sent is not proved: a new one needs a step in ``StatementDriver``.
      let unseen = try StatementSources.calls(of: "VerdictCore").subtracting(recorder.places)
      #expect(unseen.isEmpty, "the drive does not run \(unseen.sorted())")
      try await Self.insertExpiredRows(into: server.domain)
      let replayer = try await Replayer(server.domain, recorder.statements.flatMap { $0 })
      for executions in recorder.statements {
        guard let statement = executions.first, Self.isProved(statement) else { continue }
        try await check(executions, with: replayer)
      }
      await replayer.close()
      let tables = try await TenantTables(of: server.domain)
      try await tables.showOwnRowsOnly(server.tenant)
      try await tables.takeNoRowOfAnother(server.tenant)
      try await Self.erase(server, tables)
    }
  }

  /// Erases the tenant, which has rows in every table: none remain, and another tenant keeps all of its rows.
  private static func erase(_ server: TestServer, _ tables: TenantTables) async throws {
    let other = try await server.clientOfAnotherTenant()
    try await other.makeDataset()
    try await other.addLabels(SmallData.rows(20))
    let before = try await tables.counts(server.tenant)
    #expect(before.filter { $0.value == 0 } == [:], "nothing can be left where nothing was")
    try await TenantStore(database: server.domain.database).delete(server.tenant)
    let after = try await tables.counts(server.tenant)
    #expect(after.filter { $0.value != 0 } == [:])
    #expect(after.count == before.count)
    #expect(try await other.labelsStored() == 20)
  }

  /// Restores what maintenance and workers have removed or filled during the drive: expired rows, models of older servers, and jobs in each state, of a kind that no
  /// worker takes.
  private static func insertExpiredRows(into domain: TestDomain) async throws {
    try await domain.asOwner { connection in
      try await connection.execute(
        script: """
          UPDATE predictions SET created_at = created_at - interval '1 year';
          UPDATE models SET converged = NULL;
          UPDATE idempotency_keys SET created_at = created_at - interval '1 year' WHERE key <> 'once';
          INSERT INTO idempotency_keys (tenant_id, key, operation, created_at)
          SELECT tenant_id, 'aged', 'POST /x', now() - interval '1 year' FROM tenants;
          INSERT INTO datasets (tenant_id, features, label_name, auto_train, training, deleted_at)
          SELECT tenant_id, features, label_name, auto_train, training, now() FROM datasets WHERE name = 'd';
          INSERT INTO datasets (tenant_id, name, features, label_name, auto_train, training, writable)
          SELECT tenant_id, 'leaving', features, label_name, auto_train, training, false FROM datasets WHERE name = 'd';
          WITH due AS (
            INSERT INTO datasets (tenant_id, name, features, label_name, auto_train, training)
            SELECT tenant_id, 'due', features, label_name,
                   '{"enabled": true, "min_new_labels": 1, "max_delay_seconds": 0}', training
            FROM datasets WHERE name = 'd' RETURNING tenant_id, id)
          INSERT INTO label_counts (tenant_id, dataset_id, shard, positives, negatives, changes)
          SELECT tenant_id, id, 0, 100, 100, 200 FROM due;
          INSERT INTO jobs (tenant_id, kind, subject, origin, coalesced)
          SELECT tenant_id, 'replayed', 4, 'auto', true FROM tenants;
          INSERT INTO jobs (tenant_id, kind, subject, origin) SELECT tenant_id, 'replayed', 1, 'manual' FROM tenants;
          INSERT INTO jobs (tenant_id, kind, subject, origin, state, lease_token, lease_expires_at)
          SELECT tenant_id, 'replayed', 2, 'manual', 'running', gen_random_uuid(), now() - interval '1 hour' FROM tenants;
          INSERT INTO jobs (tenant_id, kind, subject, origin, state, finished_at)
          SELECT tenant_id, 'replayed', 3, 'manual', 'succeeded', now() - interval '1 year' FROM tenants;
          """)
      try await connection.execute(script: Forgetting.rows)
    }
  }

  private static func isProved(_ statement: StatementRecorder.Statement) -> Bool {
    let sql = statement.query.sql
    return (statement.place.hasPrefix("VerdictCore/") || statement.place.hasPrefix("JobQueue/"))
      && sql.contains(#/\b(FROM|INTO|UPDATE|JOIN)\s/#) && !sql.contains("FROM STDIN")
      && !sql.contains("CREATE TEMPORARY TABLE")
  }

  private func check(_ executions: [StatementRecorder.Statement], with replayer: Replayer) async throws {
    // One execution with an effect is enough for each statement text.
    for statement in executions.reversed() {
      if try await isHeldBack(statement, Self.replay(of:filter:), replayer) { return }
    }
    guard let statement = executions.last, try await !isHeldBack(statement, Self.widened(_:filter:), replayer)
    else { return }
    let isKnown = Self.alike.contains {
      statement.place.contains($0.file) && statement.query.sql.contains($0.text)
    }
    #expect(isKnown, "\(statement.place): the owner finds no more than the server's role: \(statement.query)")
  }

  /// Runs a statement without its filters. Returns whether the owner reaches rows that the server's role does not.
  private func isHeldBack(
    _ statement: StatementRecorder.Statement, _ replay: (Query, String) throws -> Query, _ replayer: Replayer
  ) async throws -> Bool {
    let unfiltered = try replay(statement.query, "true")
    let nothing = try replay(statement.query, "false")
    var isHeldBack = true
    for tenant in [nil, Self.stranger] {
      let found = try await replayer.run(unfiltered, as: tenant)
      let void = try await replayer.run(nothing, as: tenant)
      let principal = "\(statement.place), tenant \(tenant.map { "\($0)" } ?? "none")"
      #expect(found == void || found == .refused, "\(principal): \(found) instead of \(void): \(unfiltered)")
      if case .failed(let state) = found { Issue.record("\(principal): failed with \(state): \(unfiltered)") }
      if try await replayer.run(unfiltered, as: tenant, isOwner: true) == found { isHeldBack = false }
    }
    return isHeldBack
  }

  /// The statement with each comparison with the request's tenant replaced by `filter`.
  private static func replay(of query: Query, filter: String) throws -> Query {
    // COPY takes no parameters, so its values are part of its text.
    let isCopy = query.sql.hasPrefix("COPY")
    let sql = try (isCopy ? query.inlined() : query.sql)
      .replacing(#/(\w+\.)?tenant_id = (\$\d+|'\d+'::int4)/#, with: filter)
    return isCopy ? Query(unsafeSQL: sql) : Query(unsafeSQL: sql, binds: query.binds)
  }

  /// The statement with the comparisons that name one row replaced by true, too.
  private static func widened(_ query: Query, filter: String) throws -> Query {
    let query = try replay(of: query, filter: filter)
    let names =
      #/\b(\w+\.)?(id|dataset_id|subject|name|kind|model_version|version|revision|prediction_id|lease_token|change_id) (=|<>|<=|>=|<|>) (ANY\(\$\d+\)|\$\d+|'[^']*'::\w+|t\.\w+)/#
    // The bounds of a deletion step.
    let ranges = #/\("\w+"(, "\w+")*\) (>|<=) \(\$\d+::text::\w+(, \$\d+::text::\w+)*\)/#
    let sql = query.sql.replacing(names, with: "true").replacing(ranges, with: "true")
    return Query(unsafeSQL: sql, binds: query.binds)
  }
}
