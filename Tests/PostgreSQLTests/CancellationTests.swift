import Foundation
import PostgreSQL
import TestSupport
import Testing

/// Tests of cancelled tasks: cancel requests, transactions and COPY.
@Suite struct CancellationTests {
  /// Cancels thousands of statements at random moments. Each returns its result or the cancellation error, and the
  /// next statement on the connection is never cancelled.
  @Test func `a late cancel request never cancels the next statement`() async throws {
    try await TestDatabase.withPool(maximum: 4) { pool in
      let outcomes = try await withThrowingTaskGroup(of: (answers: Int, cancelled: Int).self) { group in
        for lane in 0..<4 {
          group.addTask {
            try await pool.withConnection { connection in
              var (answers, cancelled) = (0, 0)
              // The pauses go up to about twice what a statement takes, however fast the machine is.
              var typical = Duration.milliseconds(1)
              for round in 0..<600 {
                let start = ContinuousClock.now
                let task = Task {
                  try await connection.query("SELECT \(round) FROM pg_sleep(\(Double(round % 3) * 0.0005))")
                }
                let part = (round * 37 + lane * 11) % 150
                if part > 10 { try await Task.sleep(for: typical * part / 75) }
                task.cancel()
                do {
                  #expect(try await task.value.first?.decode(Int.self) == round)
                  answers += 1
                  typical = (typical * 7 + min(.now - start, .milliseconds(20))) / 8
                } catch let error as PostgreSQLError {
                  #expect(error.kind == .cancelled, "\(error)")
                  cancelled += 1
                }
                let next = try await connection.query("SELECT \(-round) FROM pg_sleep(0.0002)")
                #expect(try next.first?.decode(Int.self) == -round)
              }
              return (answers, cancelled)
            }
          }
        }
        return try await group.reduce(into: (answers: 0, cancelled: 0)) { sum, next in
          sum.answers += next.answers
          sum.cancelled += next.cancelled
        }
      }
      // Both outcomes must be frequent, or the test has no race.
      #expect(outcomes.answers > 50 && outcomes.cancelled > 50, "\(outcomes)")
      #expect(pool.statistics().inUse == 0)
    }
  }

  /// Cancellation within a transaction either rolls it back or commits it.
  @Test func `cancelled transactions are atomic`() async throws {
    try await TestDatabase.withPool(maximum: 2) { pool in
      try await pool.query("CREATE TABLE t (a int8)")
      var committed = 0
      for round in 0..<300 {
        let task = Task {
          try await pool.transaction { transaction in
            try await transaction.query("INSERT INTO t VALUES (\(round))")
            try await transaction.copyIn("COPY t FROM STDIN") { try await $0.write("\(round)\n") }
          }
        }
        try await Task.sleep(for: .microseconds((round * 53) % 2500))
        task.cancel()
        do {
          try await task.value
          committed += 1
        } catch let error as PostgreSQLError { #expect(error.kind == .cancelled, "\(error)") }
      }
      let halves = try await pool.query("SELECT a FROM t GROUP BY a HAVING count(*) <> 2")
      #expect(halves.isEmpty)
      #expect(try await pool.query("SELECT count(*) FROM t").first?.decode(Int.self) == 2 * committed)
    }
  }

  /// A writer that is shared by two tasks throws an error instead of entering libpq from two threads.
  @Test func `only one task at a time may write to a COPY`() async throws {
    try await TestDatabase.withConnection { connection in
      try await connection.query("CREATE TABLE t (a text)")
      let line = String(repeating: "x", count: 99_999) + "\n"
      var written = 0
      let rows = try await connection.copyIn("COPY t FROM STDIN") { writer in
        written = await withTaskGroup(of: Int.self) { group in
          for _ in 0..<4 {
            group.addTask {
              var written = 0
              for _ in 0..<50 where (try? await writer.write(line)) != nil { written += 1 }
              return written
            }
          }
          return await group.reduce(0, +)
        }
      }
      #expect(rows == written)
      #expect(try await connection.query("SELECT count(*) FROM t").first?.decode(Int.self) == rows)
    }
  }
}
