import DomainTestSupport
import HTTPTestSupport
import HTTPTypes
import Logging
import PostgreSQL
import Synchronization
import Testing
import TestSupport
import VerdictCore

@testable import VerdictServer

/// Responses when the database is overloaded or lost.
@Suite struct OverloadTests {
  private static let failures: [(PostgreSQLError, ProblemKind, String?)] = [
    (PostgreSQLError(.acquireTimeout, ""), ProblemKind.overloaded, "1"),
    (PostgreSQLError(.statementTimeout, "", sqlState: .queryCanceled), .databaseUnavailable, "1"),
    (PostgreSQLError(.server, "", sqlState: .deadlockDetected), .overloaded, "1"),
    (PostgreSQLError(.server, "", sqlState: .serializationFailure), .overloaded, "1"),
    (PostgreSQLError(.server, "", sqlState: .lockNotAvailable), .overloaded, "1"),
    (PostgreSQLError(.connectionLost, ""), .databaseUnavailable, "1"),
    (PostgreSQLError(.poolClosed, ""), .databaseUnavailable, "1"),
    (PostgreSQLError(.server, "", sqlState: .undefinedTable), .databaseUnavailable, "5"),
    (PostgreSQLError(.server, "", sqlState: .readOnlySQLTransaction), .databaseReadOnly, "5"),
    (PostgreSQLError(.writesSuspended, ""), .databaseUnavailable, "5"),
    (PostgreSQLError(.commitUnconfirmed, ""), .databaseUnavailable, "1"),
    (PostgreSQLError(.server, "", sqlState: .syntaxError), .internal, nil),
  ]

  @Test(arguments: failures)
  func databaseErrorsMapToProblems(_ error: PostgreSQLError, _ kind: ProblemKind, _ after: String?) {
    let problem = Problem(error, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    #expect(problem.kind == kind)
    #expect(problem.headers[.retryAfter] == after)
  }

  @Test func unconfirmedCommitsPromiseNothing() {
    var error = PostgreSQLError(.connectionLost, "")
    let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    #expect(Problem(error, logger: logger).detail.contains("nothing was changed"))
    error.isOutcomeUnknown = true
    let problem = Problem(error, logger: logger)
    #expect(problem.kind == .databaseUnavailable)
    #expect(!problem.detail.contains("nothing was changed") && problem.detail.contains("Idempotency-Key"))
  }

  @Test(.timeLimit(.minutes(10)))
  func anExhaustedPoolIsAnOverload() async throws {
    try await TestServer.with(worker: false, acquireTimeout: .seconds(3)) { server in
      try await server.client.makeDataset()
      let refused = try await Self.holding(16, of: server.domain.database.pool) {
        try await server.client.get("/v1/datasets")
      }
      #expect(refused.status == 503)
      #expect(refused.isProblem && refused.problem == "overloaded")
      #expect(refused.headers["retry-after"] == "1")
      let later = try await eventually { () -> Answer? in
        let answer = try await server.client.get("/v1/datasets")
        return answer.status == 200 ? answer : nil
      }
      #expect(later.json["data"].elements.count == 1)
    }
  }

  /// Runs the closure while `count` connections of the pool are in use.
  private static func holding<T: Sendable>(
    _ count: Int, of pool: ConnectionPool, _ body: @Sendable () async throws -> T
  ) async throws -> T {
    if count == 0 { return try await body() }
    do {
      return try await pool.withConnection { _ in try await holding(count - 1, of: pool, body) }
    } catch let error as PostgreSQLError where error.kind == .acquireTimeout {
      // The server itself uses the last connection for a moment.
      return try await holding(count, of: pool, body)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func waitingForAJobSurvivesTheLossOfTheDatabase() async throws {
    try await TestServer.with(worker: false) { server in
      try await server.client.makeDataset()
      try await server.client.addLabels(SmallData.rows(60))
      let answer = Task {
        try await server.client.post(
          "/v1/datasets/d/training-jobs", [:], headers: ["Prefer": "wait=60", "Idempotency-Key": "once"])
      }
      let answered = try await server.domain.asOwner { connection in
        try await eventually {
          try await connection.query("SELECT count(*) FROM jobs").first?.decode(Int.self) == 1
        }
        try await connection.query(
          "UPDATE pg_database SET datallowconn = false WHERE datname = current_database()")
        try await connection.query(
          """
          SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid()
          """)
        let answered = try await answer.value
        try await connection.query(
          "UPDATE pg_database SET datallowconn = true WHERE datname = current_database()")
        return answered
      }
      #expect(answered.status == 202, "\(answered)")
      #expect(answered.headers["location"]?.hasPrefix("/v1/datasets/d/training-jobs/") == true)
      #expect(answered.json["state"] == "queued")
    }
  }
}

/// Work that several requests share carries the id of none of them.
@Suite struct SharedWorkTests {
  @Test(.timeLimit(.minutes(10)))
  func sharedStatementsHaveNoRequestID() async throws {
    let seen = Mutex<[(sql: String, isNamed: Bool)]>([])
    try await TestServer.with(
      observer: { query, _, _ in
        let isNamed = RequestLogMetadata.current != nil
        seen.withLock { $0.append((query.sql, isNamed)) }
      }
    ) { server in
      _ = try await server.predicted(1)
      let answer = try await server.client.post("/v1/datasets/d/predictions", ["features": ["x": 1]])
      #expect(answer.status == 201)
      let statements = seen.withLock { $0 }
      let lookups = statements.filter { $0.sql.contains("FROM api_keys k") }
      let groups = statements.filter { $0.sql.contains("INSERT INTO predictions") }
      #expect(!lookups.isEmpty && lookups.allSatisfy { !$0.isNamed })
      #expect(groups.contains { !$0.isNamed })
      // A statement of one request carries its id.
      #expect(statements.contains { $0.isNamed && $0.sql.contains("INSERT INTO datasets") })
    }
  }

  @Test func concurrentCallersShareOneOperation() async throws {
    let looks = Mutex(0)
    let recent = SingleFlightCache(lifetime: .seconds(600)) {
      looks.withLock { $0 += 1 }
      try await Task.sleep(for: .milliseconds(20))
      return 7
    }
    try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<20 { group.addTask { try await recent.value() } }
      for try await value in group { #expect(value == 7) }
    }
    #expect(try await recent.value() == 7)
    #expect(looks.withLock { $0 } == 1)
    let failing = SingleFlightCache(lifetime: .zero) { () -> Int in
      looks.withLock { $0 += 1 }
      throw SharedFailure()
    }
    for _ in 0..<2 { await #expect(throws: SharedFailure.self) { try await failing.value() } }
    #expect(looks.withLock { $0 } == 3)
  }

  private struct SharedFailure: Error {}
}
