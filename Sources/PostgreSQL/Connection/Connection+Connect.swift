internal import CLibPQ
internal import Glibc
public import Logging

/// Establishing a connection without blocking.
extension Connection {
  /// Connects, authenticates and runs the session setup.
  ///
  /// - Throws: ``PostgreSQLError`` of kind `connectionFailed` (with the server's SQLSTATE if it answered), `cancelled`, or
  ///   `server` if the setup failed.
  public static func connect(
    _ configuration: ConnectionConfiguration, logger: Logger = Logger(label: "postgresql")
  ) async throws -> Connection {
    let connection = Connection(configuration, loop: .shared, logger: logger)
    let id = OperationID.next()
    let deadline = ContinuousClock.now + configuration.connectTimeout
    return try await withTaskCancellationHandler {
      let parameters = try await configuration.resolved()
      do {
        try await connection.open(parameters, id, deadline)
        if !configuration.sessionSetup.isEmpty {
          _ = try await connection.run(
            configuration.sessionSetup, Call(sql: nil, file: #fileID, line: #line, deadline: deadline))
        }
      } catch {
        await connection.close()
        throw error
      }
      return connection
    } onCancel: {
      connection.interrupt(id, .cancelled)
    }
  }

  private func open(
    _ parameters: [String: String], _ id: UInt64, _ deadline: ContinuousClock.Instant
  ) async throws {
    try await enter(id, ignoresCancellation: false)
    let timer = loop.schedule(at: deadline) { [weak self] in self?.interrupt(id, .statementTimeout) }
    do {
      try start(parameters)
      try await poll(id)
      try prepareSession()
    } catch {
      loop.cancel(timer)
      await finish(id)
      throw error
    }
    loop.cancel(timer)
    await finish(id)
  }

  /// Configures an established session so that it can be cancelled, severed and watched.
  private func prepareSession() throws {
    guard let libpq else { throw PostgreSQLError(.connectionClosed, "the connection is closed") }
    PQsetErrorVerbosity(libpq.connection, PQERRORS_DEFAULT)
    guard PQsetnonblocking(libpq.connection, 1) == 0, PQenterPipelineMode(libpq.connection) == 1,
      let canceller = CancelHandle(libpq.connection)
    else {
      throw PostgreSQLError(.connectionFailed, libpq.errorMessage)
    }
    socket = fcntl(libpq.socket, F_DUPFD_CLOEXEC, 0)
    guard socket >= 0 else { throw PostgreSQLError(.connectionFailed, "no file descriptor left") }
    let (processID, serverVersion) = (PQbackendPID(libpq.connection), PQserverVersion(libpq.connection))
    state.withLock { state in
      state.canceller = canceller
      state.socket = socket
      state.processID = processID
      state.serverVersion = Int(serverVersion)
    }
  }

  /// Creates the PGconn, whose socket ``poll(_:)`` registers.
  private func start(_ parameters: [String: String]) throws {
    // libpq copies the strings; these duplicates live for this call.
    let keys = Array(parameters.keys)
    let strings = keys.map { strdup($0) } + keys.map { strdup(parameters[$0] ?? "") }
    defer { for string in strings { free(string) } }
    let keywords = strings.prefix(keys.count).map { UnsafePointer($0) } + [nil]
    let values = strings.suffix(keys.count).map { UnsafePointer($0) } + [nil]
    guard let connection = PQconnectStartParams(keywords, values, 0) else {
      throw PostgreSQLError(.connectionFailed, "out of memory")
    }
    notices.attach(to: connection)
    // Only the verbose form contains the SQLSTATE of a failed login.
    PQsetErrorVerbosity(connection, PQERRORS_VERBOSE)
    libpq = LibPQProtocolConnection(connection: connection)
    if PQstatus(connection) == CONNECTION_BAD { throw failure(to: connection) }
  }

  /// Drives PQconnectPoll to its end (manual, 34.1: "Loop thus: If PQconnectPoll(conn) last returned …").
  private func poll(_ id: UInt64) async throws {
    var interest: Readiness = .write
    while true {
      let ready = await wait(for: interest, rearms: true)
      guard let libpq else { throw closedError }
      if let reason = interruption(of: id) {
        throw reason == .cancelled
          ? PostgreSQLError(.cancelled, "the task was cancelled while connecting")
          : PostgreSQLError(
            .connectionFailed, "timeout: no connection within \(configuration.connectTimeout)")
      }
      if ready.isEmpty { continue }
      // libpq may close this socket and open another with the same number.
      channel.release()
      switch PQconnectPoll(libpq.connection) {
      case PGRES_POLLING_OK: return
      case PGRES_POLLING_READING: interest = .read
      case PGRES_POLLING_WRITING: interest = .write
      default: throw failure(to: libpq.connection)
      }
    }
  }

  private func failure(to connection: OpaquePointer) -> PostgreSQLError {
    var error = connectError(PQerrorMessage(connection))
    if !configuration.connectsDirectlyToPrimary { error.isRefused = false }
    return error
  }
}

/// Parses libpq's verbose message, such as `FATAL:  28P01: password authentication failed for user "x"`.
func connectError(_ message: UnsafePointer<CChar>?) -> PostgreSQLError {
  let text = trimmed(message)
  // LOCATION lines name the server's source code.
  var lines = text.split(separator: "\n").filter { !$0.hasPrefix("LOCATION:") }.map(String.init)
  var state: SQLState?
  for (index, line) in lines.enumerated() {
    guard let match = line.firstMatch(of: #/:  ([0-9A-Z]{5}): /#) else { continue }
    state = SQLState(rawValue: String(match.output.1))
    lines[index] = line.replacing(match.output.0, with: ":  ", maxReplacements: 1)
  }
  var error = PostgreSQLError(.connectionFailed, lines.joined(separator: "; "), sqlState: state)
  error.isRefused = isRefusal(text)
  return error
}

/// Whether libpq's verbose message consists of refusals alone: by the operating system, or by a server that accepts no
/// connections now. Each attempt has one line; lines that explain it are indented or begin with a keyword.
private func isRefusal(_ text: String) -> Bool {
  let refusals = [
    String(cString: strerror(ECONNREFUSED)), String(cString: strerror(ENOENT)),
    ":  \(SQLState.cannotConnectNow.rawValue): ",
  ]
  let attempts = text.split(separator: "\n").filter { line in
    !line.hasPrefix("\t") && !["LOCATION:", "DETAIL:", "HINT:"].contains { line.hasPrefix($0) }
  }
  return !attempts.isEmpty && attempts.allSatisfy { line in refusals.contains { line.contains($0) } }
}
