/// Sends queued commands and reads their results, up to a number of Syncs.
///
/// While output remains, the steps wait for both directions and read input: a server that cannot send its results stops
/// reading, and both ends would wait for each other.
struct ExchangeSteps: ProtocolSteps {
  /// The kind of a queued command, which decides where its result goes.
  enum Command: Equatable {
    /// A Parse, whose success is recorded.
    case prepare
    /// A statement, whose result is returned.
    case statement
    /// A command whose failure does not concern the caller (DEALLOCATE).
    case housekeeping
    /// A Sync, the end of a segment.
    case sync
  }

  /// An error and the command that it belongs to. A class, because most outcomes have none.
  final class Failure: Sendable {
    let error: PostgreSQLError
    let command: Int
    init(_ error: PostgreSQLError, _ command: Int) {
      self.error = error
      self.command = command
    }
  }

  /// The outcome of all commands.
  struct Outcome {
    /// The statements' results, in order, up to the first failure.
    var results: [ResultStorage] = []
    /// The first failure, except of housekeeping.
    var failure: Failure?
    /// The indices of the Parses that succeeded.
    var prepared: [Int] = []
  }

  private let commands: [Command]
  private var position = 0
  private var flushed = false
  private var outcome = Outcome()

  init(_ commands: [Command]) { self.commands = commands }

  mutating func advance(_ connection: inout some ProtocolConnection, ready: Readiness) -> Step<Outcome> {
    // A failed read is not the end: the server's last messages may have been read before.
    if ready.contains(.read) { _ = connection.consumeInput() }
    if !flushed { flushed = connection.flush() }
    while position < commands.count {
      if connection.isBusy() { return .wait(flushed ? .read : [.read, .write]) }
      take(connection.nextResult(), &connection)
      if connection.isBroken {
        drainBroken(&connection)
        return .done(outcome)
      }
    }
    return .done(outcome)
  }

  private mutating func take(_ result: ProtocolResult?, _ connection: inout some ProtocolConnection) {
    switch (result, commands[position]) {
    case (nil, .sync): break  // The end of a failed commit; the Sync's result follows.
    case (nil, _): position += 1
    case (.sync?, .sync): position += 1
    case (.sync?, _):
      // libpq and this list of commands disagree about the position; later results cannot be trusted.
      fail(PostgreSQLError(.protocolViolation, "the server answered a Sync too early"))
      while position < commands.count, commands[position] != .sync { position += 1 }
      position += 1
    case (.success(let storage)?, let command):
      if command == .statement, outcome.failure == nil { outcome.results.append(storage) }
      if command == .prepare { outcome.prepared.append(position) }
    case (.failure(let error)?, .housekeeping) where !error.isFatal: break
    case (.failure(let error)?, _): fail(error)
    case (.aborted?, _): break
    case (.copyIn?, _):
      fail(PostgreSQLError(.misuse, "COPY FROM STDIN needs copyIn"))
      connection.refuseCopy()
    case (.copyOut?, _):
      fail(PostgreSQLError(.misuse, "COPY TO STDOUT needs copyOut"))
      connection.refuseCopy()
    }
  }

  private mutating func fail(_ error: PostgreSQLError) {
    if outcome.failure == nil { outcome.failure = Failure(error, position) }
  }

  /// Reads the remaining results of a lost connection, whose errors explain the loss best.
  private mutating func drainBroken(_ connection: inout some ProtocolConnection) {
    // libpq returns nil after its last result; the bound makes this independent of libpq.
    for _ in 0..<commands.count + 8 {
      guard let result = connection.nextResult() else { break }
      if case .failure(let error) = result { fail(error) }
    }
    fail(PostgreSQLError(.connectionLost, connection.errorMessage))
  }
}
