import Foundation
import Testing

@testable import PostgreSQL

/// Tests of query interpolation, encoding and error texts, without a server.
@Suite struct QueryTextTests {
  @Test func `values become placeholders`() {
    let name: String? = nil
    let query: Query = "SELECT \(1), \("a'b"), \(name) FROM \(identifier: "od\"d") \(unescaped: "LIMIT 1")"
    #expect(query.sql == "SELECT $1, $2, $3 FROM \"od\"\"d\" LIMIT 1")
    #expect(query.binds.types == [.int8, .text, .text])
  }

  @Test func `joining queries renumbers their placeholders`() {
    let condition: Query = " WHERE a = \(1) AND cost > '$1' AND b = \(2)"
    let query: Query = "SELECT \(0)" + condition + " LIMIT \(3)"
    #expect(query.sql == "SELECT $1 WHERE a = $2 AND cost > '$1' AND b = $3 LIMIT $4")
    #expect(("x \(9) \(condition)" as Query).sql == "x $1  WHERE a = $2 AND cost > '$1' AND b = $3")
    #expect(query.binds.count == 4)
  }

  @Test func `malformed values throw`() {
    let short: [UInt8] = [0, 0, 0, 1]
    #expect(throws: DecodingProblem.malformed) { try Int(postgresBytes: short.span.bytes, type: .int8) }
    #expect(throws: DecodingProblem.malformed) {
      try [Int](postgresBytes: short.span.bytes, type: .int8Array)
    }
    var huge: [UInt8] = []
    for word in [1, 0, 20, .max, 1] as [Int32] { huge.appendBigEndian(word) }
    #expect(throws: DecodingProblem.malformed) { try [Int](postgresBytes: huge.span.bytes, type: .int8Array) }
    #expect(throws: DecodingProblem.outOfRange) {
      try Int16(postgresBytes: ([0, 1, 0, 0] as [UInt8]).span.bytes, type: .int4)
    }
    #expect(throws: DecodingProblem.unexpectedNull) { try Int.postgresNull() }
  }

  @Test func `garbage is refused as COPY data`() throws {
    var reader = BinaryCopyReader()
    reader.feed(Data(repeating: 7, count: 100))
    #expect(throws: PostgreSQLError.self) { try reader.nextRow() }
    var writer = BinaryCopyWriter()
    writer.startRow(columns: 1)
    writer.append(1)
    var cut = BinaryCopyReader()
    cut.feed(writer.take())
    let isWhole = try cut.nextRow()
    #expect(isWhole)
    #expect(throws: PostgreSQLError.self) { try cut.checkFinished() }
  }

  @Test func `connection errors carry their SQLSTATE`() {
    let error =
      "connection to server failed: FATAL:  28P01: password authentication failed\nLOCATION:  auth.c\n"
      .withCString { connectError($0) }
    #expect(error.sqlState == .invalidPassword)
    #expect(error.message == "connection to server failed: FATAL:  password authentication failed")
  }

  @Test func `an invalid configuration is refused`() throws {
    #expect(throws: PostgreSQLError.self) { try ConnectionConfiguration(uri: "postgresql://h/db?nonsense=1") }
    let configuration = try ConnectionConfiguration(uri: "postgresql://me@h:77/db")
    #expect(configuration.parameters["host"] == "h" && configuration.parameters["port"] == "77")
  }
}
