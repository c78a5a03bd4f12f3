import Foundation
import PostgreSQL
import TestSupport
import Testing

/// Tests of COPY in both directions.
@Suite struct CopyTests {
  struct Stop: Error {}

  @Test func `a binary round trip with chunks split anywhere`() async throws {
    try await TestDatabase.withConnection { connection in
      try await connection.query("CREATE TABLE t (id int8, x float8[], s text[], note text)")
      let rows = 5000
      let copied = try await connection.copyIn("COPY t FROM STDIN (FORMAT binary)") { writer in
        var builder = BinaryCopyWriter()
        for id in 0..<rows {
          builder.startRow(columns: 4)
          builder.append(id)
          builder.append([Double(id), nil] as [Double?])
          builder.append([String(id), nil] as [String?])
          builder.append(id % 3 == 0 ? nil : "note \(id)" as String?)
          if builder.count > 10_000 { try await writer.write(builder.take()) }
        }
        builder.finish()
        try await writer.write(builder.take())
      }
      #expect(copied == rows)
      let limit = rows - 1
      var reader = BinaryCopyReader()
      var next = 0
      try await connection.copyOut(
        "COPY (SELECT * FROM t WHERE id < \(limit) AND 'q''\\' = \("q'\\") ORDER BY id) TO STDOUT (FORMAT binary)"
      ) { stream in
        for try await chunk in stream {
          var rest = chunk
          while !rest.isEmpty {
            reader.feed(Data(rest.prefix(1001)))
            rest = rest.dropFirst(1001)
            while try reader.nextRow() {
              #expect(try reader.decode(0, as: Int.self) == next)
              var doubles: [Double] = []
              #expect(try reader.appendDoubles(1, to: &doubles) == 2)
              #expect(doubles[0] == Double(next) && doubles[1].isNaN)
              #expect(try reader.decode(2, as: [String?].self) == [String(next), nil])
              #expect(try reader.decode(3, as: String?.self) == (next % 3 == 0 ? nil : "note \(next)"))
              next += 1
            }
          }
        }
      }
      try reader.checkFinished()
      #expect(next == limit)
    }
  }

  @Test func `an aborted COPY stores nothing`() async throws {
    try await TestDatabase.withConnection { connection in
      try await connection.query("CREATE TABLE t (a int)")
      await #expect(throws: Stop.self) {
        try await connection.copyIn("COPY t FROM STDIN") { writer in
          try await writer.write("1\n2\n")
          throw Stop()
        }
      }
      let error = await #expect(throws: PostgreSQLError.self) {
        try await connection.copyIn("COPY t FROM STDIN") { writer in
          for _ in 0..<100 { try await writer.write(String(repeating: "x\n", count: 100_000)) }
        }
      }
      #expect(error?.sqlState == .invalidTextRepresentation)
      #expect(try await connection.query("SELECT count(*) FROM t").first?.decode(Int.self) == 0)
    }
  }

  @Test func `leaving a COPY early cancels the rest`() async throws {
    try await TestDatabase.withConnection { connection in
      let count = try await connection.copyOut("COPY (SELECT generate_series(1, 1000000000)) TO STDOUT") {
        stream in
        for try await chunk in stream { return chunk.count }
        return 0
      }
      #expect(count > 0)
      #expect(try await connection.query("SELECT 1").count == 1)
    }
  }

  @Test func `a cancelled task stops both directions`() async throws {
    try await TestDatabase.withConnection { connection in
      try await connection.query("CREATE TABLE t (a int)")
      let writes = Counter()
      let reads = Counter()
      let writing = Task {
        try await connection.copyIn("COPY t FROM STDIN") { writer in
          while true {
            try await writer.write("1\n")
            writes.add()
          }
        }
      }
      try await eventually { writes.value > 0 }
      writing.cancel()
      #expect(await #expect(throws: PostgreSQLError.self) { try await writing.value }?.kind == .cancelled)
      let reading = Task {
        try await connection.copyOut("COPY (SELECT generate_series(1, 1000000000)) TO STDOUT") { stream in
          var count = 0
          for try await chunk in stream {
            count += chunk.count
            reads.add()
          }
          return count
        }
      }
      try await eventually { reads.value > 0 }
      reading.cancel()
      #expect(await #expect(throws: PostgreSQLError.self) { try await reading.value }?.kind == .cancelled)
      #expect(try await connection.query("SELECT count(*) FROM t").first?.decode(Int.self) == 0)
    }
  }

  @Test func `misuse is an error and not a deadlock`() async throws {
    try await TestDatabase.withConnection { connection in
      try await connection.query("CREATE TABLE t (a int)")
      let error = await #expect(throws: PostgreSQLError.self) {
        try await connection.copyIn("COPY t FROM STDIN") { _ in try await connection.query("SELECT 1") }
      }
      #expect(error?.kind == .misuse)
      await #expect(throws: PostgreSQLError.self) { try await connection.copyIn("SELECT 1") { _ in } }
      await #expect(throws: PostgreSQLError.self) {
        try await connection.copyIn("COPY t TO STDOUT") { _ in }
      }
      await #expect(throws: PostgreSQLError.self) {
        try await connection.execute(script: "COPY t FROM STDIN")
      }
      #expect(try await connection.query("SELECT 1").count == 1)
    }
  }
}
