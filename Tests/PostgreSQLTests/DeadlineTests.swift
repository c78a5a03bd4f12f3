import Foundation
import TestSupport
import Testing

@testable import PostgreSQL

/// Tests of deadlines with a silent server: the caller gets an error at its deadline, and the pool stays usable.
@Suite struct DeadlineTests {
  /// The configured timeouts lie far beyond the duration of the test.
  private func withSilence(_ body: (FaultProxy, ConnectionPool) async throws -> Void) async throws {
    try await TestDatabase.withDatabase { direct in
      let proxy = try FaultProxy(to: direct)
      defer { proxy.close() }
      var configuration = proxy.configuration(direct)
      configuration.cancelTimeout = .seconds(600)
      let pool = ConnectionPool(.init(connection: configuration, maximum: 1, acquireTimeout: .seconds(600)))
      try await pool.query("SELECT 1")
      try await body(proxy, pool)
      #expect(try await pool.query("SELECT 4").count == 1)
      #expect(pool.statistics().inUse == 0)
      await pool.close()
    }
  }

  @Test(.timeLimit(.minutes(10)), arguments: ["query", "pipeline", "transaction", "commit", "limited"])
  func `a deadline ends the wait`(what: String) async throws {
    try await withSilence { proxy, pool in
      if !["commit", "limited"].contains(what) { proxy.stallOpenConnections() }
      let error = await #expect(throws: PostgreSQLError.self) { try await Self.request(what, proxy, pool) }
      #expect(error?.kind == .statementTimeout, "\(error.map { "\($0)" } ?? "")")
      #expect(error?.isConnectionProblem == true)
    }
  }

  private static func request(_ what: String, _ proxy: FaultProxy, _ pool: ConnectionPool) async throws {
    let limit = Duration.milliseconds(200)
    switch what {
    case "query": _ = try await pool.query("SELECT 2", within: limit)
    case "pipeline": _ = try await pool.pipeline(["BEGIN", "SELECT 2", "COMMIT"], within: limit)
    case "transaction": _ = try await pool.transaction(within: limit) { try await $0.query("SELECT 2").count }
    case "commit":
      try await pool.transaction(within: .seconds(10)) { tx in
        try await tx.query("SELECT 2")
        proxy.stallOpenConnections()
      }
    default:
      try await pool.transaction { tx in
        try await tx.query("SELECT 2")
        proxy.stallOpenConnections()
        try await tx.limited(to: limit).query("SELECT 3")
      }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a deadline ends the wait for the next rows`() async throws {
    try await withSilence { proxy, pool in
      let error = await #expect(throws: PostgreSQLError.self) {
        try await pool.transaction { tx in
          try await tx.copyOut("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 100000)) TO STDOUT") {
            stream in
            _ = try await stream.nextBytes(within: .seconds(30))
            proxy.stallOpenConnections()
            while try await stream.nextBytes(within: .milliseconds(200)) != nil {}
          }
        }
      }
      #expect(error?.kind == .statementTimeout, "\(error.map { "\($0)" } ?? "")")
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a slow statement is cancelled and its connection stays usable`() async throws {
    try await TestDatabase.withPool { pool in
      let pid = try await pool.query("SELECT pg_backend_pid()").first?.decode(Int32.self)
      let error = await #expect(throws: PostgreSQLError.self) {
        try await pool.transaction(within: .seconds(2)) {
          _ = try await $0.query("SELECT pg_sleep(600)")
        }
      }
      #expect(error?.kind == .statementTimeout && error?.sqlState == .queryCanceled)
      #expect(try await pool.query("SELECT pg_backend_pid()").first?.decode(Int32.self) == pid)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `the deadline includes the wait for a connection`() async throws {
    try await TestDatabase.withPool(maximum: 1) { pool in
      try await pool.withConnection { _ in
        do {
          try await pool.query("SELECT 1", within: .milliseconds(100))
          Issue.record("there was no connection to lend")
        } catch let error as PostgreSQLError {
          #expect(error.kind == .acquireTimeout)
        }
      }
    }
  }

  @Test func `keepalive defaults apply unless the URL sets them`() async throws {
    let plain = try await ConnectionConfiguration(uri: "postgres://127.0.0.1/x").resolved()
    for (name, value) in ConnectionConfiguration.keepaliveDefaults { #expect(plain[name] == value) }
    let own = "postgres://127.0.0.1/x?tcp_user_timeout=60000&keepalives_idle=300"
    let said = try await ConnectionConfiguration(uri: own).resolved()
    #expect(said["tcp_user_timeout"] == "60000" && said["keepalives_idle"] == "300")
    #expect(said["keepalives_count"] == "3")
    #expect(try await ConnectionConfiguration(uri: "service=mine").resolved()["keepalives_idle"] == nil)
  }
}
