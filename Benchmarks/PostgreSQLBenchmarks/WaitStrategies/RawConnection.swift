import CLibPQ
import Foundation
import PostgreSQL

/// A plain libpq connection with one prepared statement, with minimal overhead beside the waiting that is compared. Sound as
/// `@unchecked Sendable`: one task or thread uses it at a time.
final class RawConnection: @unchecked Sendable {
  private let connection: OpaquePointer

  init(_ configuration: ConnectionConfiguration) throws {
    let text = configuration.parameters.map { "\($0)='\($1)'" }.joined(separator: " ")
    guard let made = PQconnectdb(text), PQstatus(made) == CONNECTION_OK else {
      throw CocoaError(.fileReadUnknown)
    }
    connection = made
    let types: [Oid] = [20]
    PQclear(PQprepare(connection, "s", "SELECT value FROM kv WHERE id = $1", 1, types))
  }

  deinit { PQfinish(connection) }

  var socket: Int32 { PQsocket(connection) }

  func setNonblocking() { PQsetnonblocking(connection, 1) }

  /// Sends the statement.
  func send(_ id: Int) {
    withParameter(id) { PQsendQueryPrepared(connection, "s", 1, $0, $1, $2, 1) }
    PQflush(connection)
  }

  /// Reads once. Returns whether the result is complete.
  func receive() -> Bool {
    PQconsumeInput(connection)
    while PQisBusy(connection) == 0 {
      guard let result = PQgetResult(connection) else { return true }
      check(result)
    }
    return false
  }

  /// Sends the statement and blocks in libpq for its result.
  func execute(_ id: Int) {
    withParameter(id) { values, lengths, formats in
      if let result = PQexecPrepared(connection, "s", 1, values, lengths, formats, 1) { check(result) }
      return 1
    }
  }

  private func check(_ result: OpaquePointer) {
    precondition(PQntuples(result) == 1, "the statement must find its row")
    PQclear(result)
  }

  private func withParameter(
    _ id: Int,
    _ body: (UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<Int32>, UnsafePointer<Int32>) -> Int32
  ) {
    var wire = id.bigEndian
    var (length, format) = (Int32(8), Int32(1))
    withUnsafeBytes(of: &wire) { bytes in
      var value = bytes.baseAddress.map { UnsafePointer($0.assumingMemoryBound(to: CChar.self)) }
      precondition(body(&value, &length, &format) == 1, "the statement could not be sent")
    }
  }
}
