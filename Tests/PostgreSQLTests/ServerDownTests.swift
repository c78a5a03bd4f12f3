import TestSupport
import Testing

@testable import PostgreSQL

/// Tests of the classification of connection failures: `isServerDown` is true only if nobody can change the database
/// at that address.
@Suite struct ServerDownTests {
  @Test(arguments: [
    (
      """
      connection to server at "db" (10.0.0.1), port 5432 failed: Connection refused
      \tIs the server running on that host and accepting TCP/IP connections?
      """, true
    ),
    ("connection to server on socket \"/x/.s.PGSQL.5432\" failed: No such file or directory", true),
    (
      """
      connection to server at "db" (10.0.0.1), port 5432 failed: FATAL:  57P03: the database system is starting up
      LOCATION:  ProcessStartupPacket, postmaster.c:2411
      """, true
    ),
    (
      """
      connection to server at "a" (10.0.0.1), port 5432 failed: Connection refused
      \tIs the server running on that host and accepting TCP/IP connections?
      connection to server at "b" (10.0.0.2), port 5432 failed: timeout expired
      """, false
    ),
    (
      "connection to server at \"db\" (10.0.0.1), port 5432 failed: FATAL:  53300: too many clients already",
      false
    ),
    ("could not translate host name \"db\" to address: Name or service not known", false),
    ("", false),
  ])
  func `connection failures are classified`(message: String, isDown: Bool) {
    let error = message.withCString { connectError($0) }
    #expect(error.isServerDown == isDown)
    // The form in which the pool reports it.
    #expect(PostgreSQLError(.connectionFailed, "", underlying: error).isServerDown == isDown)
  }

  @Test(.timeLimit(.minutes(10)))
  func `a stopped server is down`() async throws {
    try await TestCluster.with { cluster in
      let pool = ConnectionPool(.init(connection: cluster.configuration, maximum: 2))
      try await pool.query("SELECT 1")
      try await cluster.stop()
      var isDown = false
      for _ in 0..<20 where !isDown {
        do {
          try await pool.query("SELECT 1")
        } catch let error as PostgreSQLError {
          isDown = error.isServerDown
        }
      }
      #expect(isDown)
      await pool.close()
    }
  }
}
