/// The libpq calls of the protocol steps, so that tests can run the steps against a script.
///
/// No call blocks: the connection is in non-blocking mode, and `nextResult` is called only when it is not busy.
protocol ProtocolConnection {
  /// Whether the session is lost (PQstatus).
  var isBroken: Bool { get }
  /// Whether `nextResult` would wait for input (PQisBusy).
  mutating func isBusy() -> Bool
  /// Reads available input once (PQconsumeInput). Returns false on failure; `nextResult` then has the error.
  mutating func consumeInput() -> Bool
  /// Sends queued output. Returns whether all of it was sent (PQflush).
  mutating func flush() -> Bool
  /// The next result, or nil at the end of one command (PQgetResult).
  mutating func nextResult() -> ProtocolResult?
  /// Copies one COPY row, or as much of it as fits; the next call copies the remainder.
  mutating func copyData(into buffer: UnsafeMutableRawBufferPointer) -> CopyDataOutcome
  /// Ends an unexpected COPY FROM (PQputCopyEnd with a reason).
  mutating func refuseCopy()
  /// libpq's message about the last failure.
  var errorMessage: String { get }
}

/// One result of a command.
enum ProtocolResult {
  /// The command succeeded, with rows or without.
  case success(ResultStorage)
  /// The command failed. Boxed: results are passed around far more often than errors, which are large.
  indirect case failure(PostgreSQLError)
  /// Skipped because an earlier command of the pipeline failed.
  case aborted
  /// The server has processed all commands before a Sync.
  case sync
  /// The server waits for COPY data.
  case copyIn
  /// The server sends COPY data.
  case copyOut
}

/// The outcome of a read of COPY data.
enum CopyDataOutcome {
  /// This many bytes; if they fill the buffer, the row may continue.
  case row(Int)
  /// No complete row has arrived yet.
  case wouldBlock
  /// The data has ended; results follow.
  case finished
  /// The COPY failed; results follow.
  case failed
}

/// The events that a wait is for, or that have occurred on the socket.
struct Readiness: OptionSet {
  let rawValue: UInt8
  static let read = Readiness(rawValue: 1)
  static let write = Readiness(rawValue: 2)
}

/// The next action of protocol steps: wait for the socket, or finish.
enum Step<Output> {
  case wait(Readiness)
  case done(Output)
}

/// A part of the protocol as a state machine: which libpq call comes next, and what to wait for in between. The caller does the
/// waiting.
protocol ProtocolSteps<Output> {
  associatedtype Output
  /// Advances as far as possible without waiting. `ready` is the result of the last wait; empty at the start.
  mutating func advance(_ connection: inout some ProtocolConnection, ready: Readiness) -> Step<Output>
}
