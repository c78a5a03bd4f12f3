import Foundation
import PostgreSQL
import TestSupport
import Testing

@Suite struct CancellationTests {
  /// Cancels at every moment of a statement's life, thousands of times: either the answer comes or the error
  /// does, and the statement after it, which nobody cancels, is never hit.
  @Test func lateCancelsHitNobodyElse() async throws {
    try await TestDatabase.withPool(maximum: 4) { pool in
      let outcomes = try await withThrowingTaskGroup(of: (answers: Int, cancelled: Int).self) { group in
        for lane in 0..<4 {
          group.addTask {
            try await pool.withConnection { connection in
              var (answers, cancelled) = (0, 0)
              for round in 0..<600 {
                let task = Task {
                  try await connection.query("SELECT \(round) FROM pg_sleep(\(Double(round % 3) * 0.0005))")
                }
                let pause = (round * 37 + lane * 11) % 1500
                if pause > 100 { try await Task.sleep(for: .microseconds(pause)) }
                task.cancel()
                do {
                  #expect(try await task.value.first?.decode(Int.self) == round)
                  answers += 1
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
      // Both must have happened often, or nothing was raced.
      #expect(outcomes.answers > 50 && outcomes.cancelled > 50, "\(outcomes)")
      #expect(pool.statistics().inUse == 0)
    }
  }

  /// The same in the middle of a transaction: it is rolled back or it is committed.
  @Test func cancelledTransactionsAreAllOrNothing() async throws {
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

  /// A writer that is handed to two tasks: an error, not two threads inside libpq.
  @Test func oneTaskAtATimeInACopy() async throws {
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
