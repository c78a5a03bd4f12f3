import Foundation
import PostgreSQL
import TestSupport
import Testing

/// Tests the example of the module's README.
@Suite struct ReadmeTests {
  /// The README contains the code between the two marks, and this test runs it.
  @Test func `the README's example works`() async throws {
    try await TestDatabase.withDatabase { database in
      let parts = database.parameters
      let uri =
        "postgresql:///\(parts["dbname"] ?? "")?host=\(parts["host"] ?? "")&user=postgres"
      // example
      let configuration = try ConnectionConfiguration(uri: uri)
      let pool = ConnectionPool(.init(connection: configuration, maximum: 8))

      try await pool.query("CREATE TABLE people (id int8 PRIMARY KEY, name text)")

      // Values are parameters: this sends $1 and $2.
      let name = "Ada'; DROP TABLE people"
      try await pool.query("INSERT INTO people VALUES (\(1), \(name))")

      // COMMIT if the closure returns, ROLLBACK if it throws.
      try await pool.transaction(setup: ["SET LOCAL lock_timeout = '1s'"]) { transaction in
        for row in try await transaction.query("SELECT id, name FROM people FOR UPDATE") {
          let (id, name) = try row.decode(Int.self, String?.self)
          try await transaction.query("UPDATE people SET name = \(name?.uppercased()) WHERE id = \(id)")
        }
      }

      // Bulk loading.
      try await pool.withConnection { connection in
        try await connection.copyIn("COPY people FROM STDIN (FORMAT binary)") { writer in
          var rows = BinaryCopyWriter()
          for id in 2...100_000 {
            rows.startRow(columns: 2)
            rows.append(id)
            rows.append("Person \(id)")
            if rows.count > 128 * 1024 { try await writer.write(rows.take()) }
          }
          rows.finish()
          try await writer.write(rows.take())
        }
      }

      // The kind and the SQLSTATE of an error tell how to handle it.
      do {
        try await pool.query("INSERT INTO people VALUES (\(1), NULL)")
      } catch let error as PostgreSQLError where error.sqlState == .uniqueViolation {
        print("\(error.constraint ?? "a key") exists already")
      }
      await pool.close()
      // end
    }
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let readme = try String(
      contentsOf: root.appendingPathComponent("Sources/PostgreSQL/README.md"), encoding: .utf8)
    let source = try String(contentsOfFile: #filePath, encoding: .utf8)
    let example = source.split(separator: "\n", omittingEmptySubsequences: false)
      .drop { $0 != "      // example" }.dropFirst().prefix { $0 != "      // end" }
      .map { String($0.dropFirst(6)) }.joined(separator: "\n")
    #expect(readme.contains("```swift\n\(example)\n```"))
  }
}
