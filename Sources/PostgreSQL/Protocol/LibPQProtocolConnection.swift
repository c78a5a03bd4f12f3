internal import CLibPQ

/// The real ``ProtocolConnection``: a PGconn in non-blocking mode. Used by a connection's current operation alone.
struct LibPQProtocolConnection: ProtocolConnection {
  /// libpq's object, freed by ``finish()``.
  let connection: OpaquePointer

  /// The socket, which may change while connecting.
  var socket: Int32 { PQsocket(connection) }

  var isBroken: Bool { PQstatus(connection) == CONNECTION_BAD }

  func isBusy() -> Bool { PQisBusy(connection) != 0 }

  func consumeInput() -> Bool {
    guard PQconsumeInput(connection) == 1 else { return false }
    // A TLS record (at most 16 KiB) can be left in OpenSSL's buffer in part, for which the socket never becomes
    // readable; libpq takes at least 8 KiB a call.
    return PQsslInUse(connection) == 0 || (PQconsumeInput(connection) == 1 && PQconsumeInput(connection) == 1)
  }

  func flush() -> Bool {
    // -1 is a broken connection: nothing more can be sent, and reading tells why.
    PQflush(connection) != 1
  }

  func nextResult() -> ProtocolResult? {
    guard let result = PQgetResult(connection) else { return nil }
    switch PQresultStatus(result) {
    case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_SINGLE_TUPLE, PGRES_EMPTY_QUERY:
      return .success(ResultStorage(result))
    case PGRES_PIPELINE_SYNC:
      PQclear(result)
      return .sync
    case PGRES_PIPELINE_ABORTED:
      PQclear(result)
      return .aborted
    case PGRES_COPY_IN:
      PQclear(result)
      return .copyIn
    case PGRES_COPY_OUT:
      PQclear(result)
      return .copyOut
    default:
      defer { PQclear(result) }
      return .failure(PostgreSQLError(result: result, isBroken: isBroken))
    }
  }

  func copyData(into room: UnsafeMutableRawBufferPointer) -> CopyDataOutcome {
    // PQgetlineAsync (manual, 34.10.3) takes binary rows as they are, and unlike PQgetCopyData it does not
    // allocate each. Asked twice, because 0 could also be a message without a byte.
    let start = room.baseAddress?.assumingMemoryBound(to: CChar.self)
    for _ in 0..<2 {
      let count = PQgetlineAsync(connection, start, Int32(clamping: room.count))
      if count > 0 { return .row(Int(count)) }
      if count < 0 { break }
    }
    // Only this one makes PQgetResult go on at the end.
    var row: UnsafeMutablePointer<CChar>?
    switch PQgetCopyData(connection, &row, 1) {
    case 0: return .wouldBlock
    case -1: return .finished
    case let count where count > 0:
      // Behind several messages without a byte, which no server sends.
      defer { PQfreemem(row) }
      guard let row, Int(count) < room.count else { return .failed }
      room.copyMemory(from: UnsafeRawBufferPointer(start: row, count: Int(count)))
      return .row(Int(count))
    default: return .failed
    }
  }

  func refuseCopy() { _ = PQputCopyEnd(connection, "COPY was not expected here") }

  var errorMessage: String { trimmed(PQerrorMessage(connection)).replacing("\n\t", with: " ") }

  /// Closes the socket and frees everything.
  func finish() { PQfinish(connection) }
}

/// libpq's text without the line break at its end.
func trimmed(_ text: UnsafePointer<CChar>?) -> String {
  guard let text else { return "" }
  var string = String(cString: text)
  while let last = string.unicodeScalars.last, last == "\n" || last == " " {
    string.unicodeScalars.removeLast()
  }
  return string
}

extension PostgreSQLError {
  /// Reads the error fields of a failed result (manual, 34.3.2, PQresultErrorField).
  init(result: OpaquePointer, isBroken: Bool) {
    func field(_ code: Unicode.Scalar) -> String? {
      PQresultErrorField(result, Int32(code.value)).map { String(cString: $0) }
    }
    let state = field("C").map(SQLState.init(rawValue:))
    let severity = field("V")
    let isFatal = severity == "FATAL" || severity == "PANIC"
    let message = field("M") ?? trimmed(PQresultErrorMessage(result))
    self.init(isFatal || isBroken ? .connectionLost : .server, message, sqlState: state)
    if state == nil, !isBroken { kind = .protocolViolation }
    detail = field("D")
    hint = field("H")
    constraint = field("n")
    schema = field("s")
    table = field("t")
    column = field("c")
    position = field("P").flatMap { Int($0) }
    serverRoutine = field("R")
    self.isFatal = isFatal
  }
}
