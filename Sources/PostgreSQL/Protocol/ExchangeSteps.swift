/// Reads the results of queued commands, up to a number of Syncs, while sending what is still queued.
///
/// While not everything is sent, it waits for both directions and reads whatever comes: a server that cannot
/// get rid of its answers stops reading, and both ends would wait for each other for ever.
struct ExchangeSteps: ProtocolSteps {
  /// What one queued command is, so that its result goes to the right place.
  enum Command: Equatable {
    /// A Parse, whose success is only noted.
    case prepare
    /// A statement, whose result is wanted.
    case statement
    /// Something whose failure does not matter to the caller (DEALLOCATE).
    case housekeeping
    /// A Sync, the end of a segment.
    case sync
  }

  /// A failure, and the command it belongs to. A class, because most outcomes have none.
  final class Failure: Sendable {
    let error: PostgreSQLError
    let command: Int
    init(_ error: PostgreSQLError, _ command: Int) {
      self.error = error
      self.command = command
    }
  }

  /// How the commands went.
  struct Outcome {
    /// The statements' results, in order, up to the first failure.
    var results: [ResultStorage] = []
    /// The first failure that matters.
    var failure: Failure?
    /// The Parses that succeeded.
    var prepared: [Int] = []
  }

  private let commands: [Command]
  private var position = 0
  private var flushed = false
  private var outcome = Outcome()

  init(_ commands: [Command]) { self.commands = commands }

  mutating func advance(_ connection: inout some ProtocolConnection, ready: Readiness) -> Step<Outcome> {
    // A failed read is not the end: the server's last words may have been read before it.
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
    case (nil, .sync): break  // The end of a failed commit; the Sync's own result follows.
    case (nil, _): position += 1
    case (.sync?, .sync): position += 1
    case (.sync?, _):
      // libpq and this list of commands disagree about where we are; nothing after this can be trusted.
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

  /// The connection is gone: what the server still said is the best explanation.
  private mutating func drainBroken(_ connection: inout some ProtocolConnection) {
    // Bounded: libpq answers nil after its last word, but nothing may depend on that here.
    for _ in 0..<commands.count + 8 {
      guard let result = connection.nextResult() else { break }
      if case .failure(let error) = result { fail(error) }
    }
    fail(PostgreSQLError(.connectionLost, connection.errorMessage))
  }
}
