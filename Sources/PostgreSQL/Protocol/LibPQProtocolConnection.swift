internal import CLibPQ

/// A ``ProtocolConnection`` on a PGconn in non-blocking mode. Only a connection's current operation uses it.
struct LibPQProtocolConnection: ProtocolConnection {
  /// The PGconn, freed by ``finish()``.
  let connection: OpaquePointer

  /// The socket, which may change while connecting.
  var socket: Int32 { PQsocket(connection) }

  var isBroken: Bool { PQstatus(connection) == CONNECTION_BAD }

  func isBusy() -> Bool { PQisBusy(connection) != 0 }

  func consumeInput() -> Bool {
    guard PQconsumeInput(connection) == 1 else { return false }
    // Part of a TLS record (at most 16 KiB) can remain in OpenSSL's buffer, for which the socket does not become readable;
    // libpq takes at least 8 KiB a call.
    return PQsslInUse(connection) == 0 || (PQconsumeInput(connection) == 1 && PQconsumeInput(connection) == 1)
  }

  func flush() -> Bool {
    // -1 means a broken connection: nothing more can be sent, and a read reports the reason.
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

  func copyData(into buffer: UnsafeMutableRawBufferPointer) -> CopyDataOutcome {
    // PQgetlineAsync (manual, 34.10.3) copies binary rows and, unlike PQgetCopyData, allocates nothing. Called twice, because
    // 0 may also mean an empty message.
    let start = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
    for _ in 0..<2 {
      let count = PQgetlineAsync(connection, start, Int32(clamping: buffer.count))
      if count > 0 { return .row(Int(count)) }
      if count < 0 { break }
    }
    // Only PQgetCopyData detects the end, so that PQgetResult continues.
    var row: UnsafeMutablePointer<CChar>?
    switch PQgetCopyData(connection, &row, 1) {
    case 0: return .wouldBlock
    case -1: return .finished
    case let count where count > 0:
      // Reached after several empty messages, which no server sends.
      defer { PQfreemem(row) }
      guard let row, Int(count) < buffer.count else { return .failed }
      buffer.copyMemory(from: UnsafeRawBufferPointer(start: row, count: Int(count)))
      return .row(Int(count))
    default: return .failed
    }
  }

  func refuseCopy() { _ = PQputCopyEnd(connection, "COPY was not expected here") }

  var errorMessage: String { trimmed(PQerrorMessage(connection)).replacing("\n\t", with: " ") }

  /// Closes the socket and frees everything.
  func finish() { PQfinish(connection) }
}

/// A message of libpq without its trailing line break.
func trimmed(_ text: UnsafePointer<CChar>?) -> String {
  guard let text else { return "" }
  var string = String(cString: text)
  while let last = string.unicodeScalars.last, last == "\n" || last == " " {
    string.unicodeScalars.removeLast()
  }
  return string
}

extension PostgreSQLError {
  /// Creates an error from the fields of a failed result (manual, 34.3.2, PQresultErrorField).
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
