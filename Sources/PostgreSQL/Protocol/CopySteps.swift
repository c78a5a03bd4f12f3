/// Starts a COPY: sends the statement and reads its first result.
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

/// Sends everything that is queued.
struct FlushSteps: ProtocolSteps {
  mutating func advance(_ connection: inout some ProtocolConnection, ready: Readiness) -> Step<Void> {
    if ready.contains(.read) { _ = connection.consumeInput() }
    if connection.flush() || connection.isBroken { return .done(()) }
    return .wait([.read, .write])
  }
}

/// Reads the results of a COPY after its data, or of a script, up to the end of the command.
struct CopyEndSteps: ProtocolSteps {
  /// The COPY's own result, or why it failed.
  typealias Outcome = Result<ResultStorage, PostgreSQLError>

  /// A script must not contain a COPY: there is nobody to write or read its data.
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
        // An unread COPY TO: throw the rows away. It counts as "not busy" while none has arrived.
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

  /// True when the COPY is over.
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

/// Collects COPY rows into one chunk: up to a size, or to what has arrived.
struct CopyReadSteps: ProtocolSteps {
  struct Outcome {
    var chunk: [UInt8]
    /// No row follows; the COPY's results do.
    var isLast: Bool
  }

  let chunkSize: Int

  mutating func advance(_ connection: inout some ProtocolConnection, ready: Readiness) -> Step<Outcome> {
    if ready.contains(.read) { _ = connection.consumeInput() }
    var last = CopyDataOutcome.wouldBlock
    var isCut = false
    // Room for one more row of usual length, so that few have to be put together below.
    var chunk = [UInt8](unsafeUninitializedCapacity: chunkSize + 8192) { space, count in
      var mayHaveMoreInput = true
      while count < chunkSize {
        let room = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(space)[count...])
        last = connection.copyData(into: room)
        switch last {
        case .row(let size):
          count += size
          isCut = size == room.count
          mayHaveMoreInput = true
        case .wouldBlock where mayHaveMoreInput:
          // libpq reads 16 KiB at once; the socket usually holds more, and asking is cheaper than waiting.
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
      // On a lost connection there is "nothing yet" for ever; PQgetResult tells the reason.
      if connection.isBroken { return .done(Outcome(chunk: chunk, isLast: true)) }
      return chunk.isEmpty ? .wait(.read) : .done(Outcome(chunk: chunk, isLast: false))
    }
  }

  /// The chunk was filled to the brim: the rest of a row may follow, which libpq has whole. True if it filled
  /// the room for it to the brim again.
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
  /// Itself if it is a failure, so that the first failure wins over later ones and over a success.
  fileprivate var failureOnly: Self? {
    if case .failure = self { self } else { nil }
  }
}
