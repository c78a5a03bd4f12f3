/// Starts a COPY: sends the queued statement and reads its first result.
struct CopyStartSteps: ProtocolSteps {
  enum Outcome {
    case copyIn
    case copyOut
    case notCopy
    case failed(PostgreSQLError)
  }

  private var flushed = false
  private var outcome: Outcome?

  mutating func advance(_ connection: inout some ProtocolConnection, ready: Readiness) -> Step<Outcome> {
    if ready.contains(.read) { _ = connection.consumeInput() }
    if !flushed { flushed = connection.flush() }
    while !connection.isBusy() {
      switch connection.nextResult() {
      case .copyIn?: return .done(.copyIn)
      case .copyOut?: return .done(.copyOut)
      case .failure(let error)?: outcome = .failed(error)
      case nil:
        return .done(outcome ?? .failed(PostgreSQLError(.connectionLost, connection.errorMessage)))
      default: outcome = outcome ?? .notCopy
      }
    }
    return .wait(flushed ? .read : [.read, .write])
  }
}

/// Sends all queued output.
struct FlushSteps: ProtocolSteps {
  mutating func advance(_ connection: inout some ProtocolConnection, ready: Readiness) -> Step<Void> {
    if ready.contains(.read) { _ = connection.consumeInput() }
    if connection.flush() || connection.isBroken { return .done(()) }
    return .wait([.read, .write])
  }
}

/// Reads the results that follow the data of a COPY, or those of a script, up to the end of the command.
struct CopyEndSteps: ProtocolSteps {
  /// The COPY's result, or the error that it failed with.
  typealias Outcome = Result<ResultStorage, PostgreSQLError>

  /// True for scripts, in which COPY is refused because no caller writes or reads its data.
  private let refusesCopy: Bool
  private var flushed = false
  private var outcome: Outcome?

  init(refusesCopy: Bool = false) { self.refusesCopy = refusesCopy }

  mutating func advance(_ connection: inout some ProtocolConnection, ready: Readiness) -> Step<Outcome> {
    if ready.contains(.read) { _ = connection.consumeInput() }
    if !flushed { flushed = connection.flush() }
    while !connection.isBusy() {
      switch connection.nextResult() {
      case .failure(let error)?: outcome = outcome?.failureOnly ?? .failure(error)
      case .success(let storage)?: outcome = outcome ?? .success(storage)
      case nil:
        return .done(outcome ?? .failure(PostgreSQLError(.connectionLost, connection.errorMessage)))
      case .copyIn?:
        if refusesCopy { outcome = outcome?.failureOnly ?? .failure(Self.unexpectedCopy) }
        connection.refuseCopy()
        flushed = connection.flush()
      case .copyOut?:
        if refusesCopy { outcome = outcome?.failureOnly ?? .failure(Self.unexpectedCopy) }
        // Discards the rows of an unread COPY TO. The connection counts as not busy while none has arrived.
        if !discardRows(&connection) { return .wait(flushed ? .read : [.read, .write]) }
      default: break
      }
      if connection.isBroken, outcome == nil {
        outcome = .failure(PostgreSQLError(.connectionLost, connection.errorMessage))
      }
    }
    return .wait(flushed ? .read : [.read, .write])
  }

  private static var unexpectedCopy: PostgreSQLError {
    PostgreSQLError(.misuse, "COPY FROM STDIN and TO STDOUT need copyIn and copyOut")
  }

  /// Reads rows until none is available. Returns whether the COPY is over.
  private mutating func discardRows(_ connection: inout some ProtocolConnection) -> Bool {
    withUnsafeTemporaryAllocation(byteCount: 8192, alignment: 1) { scratch in
      while true {
        switch connection.copyData(into: scratch) {
        case .row: continue
        case .wouldBlock: return connection.isBroken
        case .finished, .failed: return true
        }
      }
    }
  }
}

/// Collects COPY rows into one chunk, up to a size or to the rows that have arrived.
struct CopyReadSteps: ProtocolSteps {
  struct Outcome {
    var chunk: [UInt8]
    /// Whether the data has ended, so that the COPY's results follow.
    var isLast: Bool
  }

  let chunkSize: Int

  mutating func advance(_ connection: inout some ProtocolConnection, ready: Readiness) -> Step<Outcome> {
    if ready.contains(.read) { _ = connection.consumeInput() }
    var last = CopyDataOutcome.wouldBlock
    var isCut = false
    // Capacity for one more row of usual length, so that rows are seldom split below.
    var chunk = [UInt8](unsafeUninitializedCapacity: chunkSize + 8192) { space, count in
      var mayHaveMoreInput = true
      while count < chunkSize {
        let buffer = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(space)[count...])
        last = connection.copyData(into: buffer)
        switch last {
        case .row(let size):
          count += size
          isCut = size == buffer.count
          mayHaveMoreInput = true
        case .wouldBlock where mayHaveMoreInput:
          // libpq reads 16 KiB a call; the socket usually holds more, and another read is cheaper than a wait.
          _ = connection.consumeInput()
          mayHaveMoreInput = false
        case .wouldBlock, .finished, .failed: return
        }
      }
    }
    while isCut { isCut = appendRemainder(of: &chunk, &connection, &last) }
    switch last {
    case .row: return .done(Outcome(chunk: chunk, isLast: false))
    case .finished, .failed: return .done(Outcome(chunk: chunk, isLast: true))
    case .wouldBlock:
      // A lost connection reports "would block" forever; PQgetResult has the reason.
      if connection.isBroken { return .done(Outcome(chunk: chunk, isLast: true)) }
      return chunk.isEmpty ? .wait(.read) : .done(Outcome(chunk: chunk, isLast: false))
    }
  }

  /// Appends the remainder of a row that filled the chunk; libpq has received the whole row. Returns whether the remainder filled
  /// its buffer, too.
  private func appendRemainder(
    of chunk: inout [UInt8], _ connection: inout some ProtocolConnection, _ last: inout CopyDataOutcome
  ) -> Bool {
    var isCut = false
    chunk += [UInt8](unsafeUninitializedCapacity: chunk.count) { space, count in
      last = connection.copyData(into: UnsafeMutableRawBufferPointer(space))
      if case .row(let size) = last {
        count = size
        isCut = size == space.count
      }
    }
    return isCut
  }
}

extension Result {
  /// The result if it is a failure, so that the first failure wins over later ones and over a success.
  fileprivate var failureOnly: Self? {
    if case .failure = self { self } else { nil }
  }
}
