/// The libpq calls that the protocol steps make, so that the steps can be run against a script in tests.
///
/// No call may block: the connection is in non-blocking mode, and `nextResult` is asked only when not busy.
protocol ProtocolConnection {
  /// What is known of the session.
  var isBroken: Bool { get }
  /// True while `nextResult` would have to wait for input (PQisBusy).
  mutating func isBusy() -> Bool
  /// Reads what the socket holds, once (PQconsumeInput). False after a failure; then `nextResult` tells.
  mutating func consumeInput() -> Bool
  /// Sends what is queued; true when all of it has gone (PQflush).
  mutating func flush() -> Bool
  /// The next result, or nil at the end of one command (PQgetResult).
  mutating func nextResult() -> ProtocolResult?
  /// Takes one COPY row, or as much of it as there is room for; the next call takes its rest.
  mutating func copyData(into room: UnsafeMutableRawBufferPointer) -> CopyDataOutcome
  /// Ends a COPY FROM that nobody asked for (PQputCopyEnd with a reason).
  mutating func refuseCopy()
  /// libpq's words for the last failure.
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
  /// The server has worked off everything up to a Sync.
  case sync
  /// The server waits for COPY data.
  case copyIn
  /// The server sends COPY data.
  case copyOut
}

/// What there was to take.
enum CopyDataOutcome {
  /// This many bytes; if they fill the room, the row may go on.
  case row(Int)
  /// Nothing complete has arrived yet.
  case wouldBlock
  /// The COPY is over; results follow.
  case finished
  /// The COPY failed; results follow.
  case failed
}

/// What a socket is to be watched for, and what it turned out to be ready for.
struct Readiness: OptionSet {
  let rawValue: UInt8
  static let read = Readiness(rawValue: 1)
  static let write = Readiness(rawValue: 2)
}

/// What comes next: wait, or done.
enum Step<Output> {
  case wait(Readiness)
  case done(Output)
}

/// A part of a conversation with the server: which libpq call comes next, and what to wait for in between.
/// The waiting itself is the caller's.
protocol ProtocolSteps<Output> {
  associatedtype Output
  /// Goes as far as possible without waiting. `ready` is what the last wait found; empty at the start.
  mutating func advance(_ connection: inout some ProtocolConnection, ready: Readiness) -> Step<Output>
}
