import Testing

@testable import PostgreSQL

/// A fake libpq connection that follows a script.
struct ScriptedWire: ProtocolConnection {
  enum Event {
    case result(ProtocolResult?)
    /// No more input until the socket is read again.
    case needInput
    case lost
  }

  var script: [Event]
  /// The number of calls of `flush()` until everything is sent.
  var flushes = 1
  var isBroken = false
  var reads = 0
  var copyRows: [CopyDataOutcome] = []
  var refusals = 0
  var errorMessage: String { "server closed the connection" }

  mutating func isBusy() -> Bool {
    if case .needInput? = script.first { return true }
    return false
  }
  mutating func consumeInput() -> Bool {
    reads += 1
    if case .needInput? = script.first { script.removeFirst() }
    if case .lost? = script.first {
      script.removeFirst()
      isBroken = true
      return false
    }
    return true
  }
  mutating func flush() -> Bool {
    flushes -= 1
    return flushes <= 0
  }
  mutating func nextResult() -> ProtocolResult? {
    guard case .result(let result)? = script.first else { return nil }
    script.removeFirst()
    return result
  }
  mutating func copyData(into room: UnsafeMutableRawBufferPointer) -> CopyDataOutcome {
    guard !copyRows.isEmpty else { return .wouldBlock }
    let row = copyRows.removeFirst()
    guard case .row(let count) = row else { return row }
    let taken = min(count, room.count)
    for index in 0..<taken { room[index] = 1 }
    if taken < count { copyRows.insert(.row(count - taken), at: 0) }
    return .row(taken)
  }
  mutating func refuseCopy() { refusals += 1 }
}

/// Tests of the protocol's state machines against scripted results.
@Suite struct ProtocolStepsTests {
  let failure = PostgreSQLError(.server, "no", sqlState: .uniqueViolation)

  /// Runs steps to completion. Returns the output and the readiness that was waited for.
  func run<Steps: ProtocolSteps>(_ steps: Steps, _ wire: inout ScriptedWire) -> (Steps.Output?, [Readiness]) {
    var steps = steps
    var waits: [Readiness] = []
    var ready: Readiness = []
    for _ in 0..<100 {
      switch steps.advance(&wire, ready: ready) {
      case .done(let output): return (output, waits)
      case .wait(let interest):
        waits.append(interest)
        ready = .read
      }
    }
    return (nil, waits)
  }

  @Test func `steps wait for both directions until everything is sent`() {
    var wire = ScriptedWire(script: [.needInput, .needInput, .result(nil), .result(.sync)], flushes: 2)
    let (outcome, waits) = run(ExchangeSteps([.statement, .sync]), &wire)
    #expect(waits == [[.read, .write], .read])
    #expect(outcome?.failure == nil && wire.reads == 2)
  }

  @Test func `the first error fails the segment and names its command`() {
    var wire = ScriptedWire(script: [
      .result(nil), .result(.failure(failure)), .result(nil), .result(.aborted), .result(nil), .result(.sync),
    ])
    let (outcome, _) = run(ExchangeSteps([.statement, .statement, .statement, .sync]), &wire)
    #expect(outcome?.failure?.command == 1 && outcome?.failure?.error.sqlState == .uniqueViolation)
  }

  @Test func `an error at the sync is the commit's error`() {
    var wire = ScriptedWire(script: [
      .result(nil), .result(.failure(failure)), .result(nil), .result(.sync),
    ])
    let (outcome, _) = run(ExchangeSteps([.statement, .sync]), &wire)
    #expect(outcome?.failure?.command == 1)
  }

  @Test func `housekeeping commands may fail`() {
    var wire = ScriptedWire(script: [
      .result(.failure(failure)), .result(nil), .result(.sync), .result(nil), .result(.sync),
    ])
    let (outcome, _) = run(ExchangeSteps([.housekeeping, .sync, .statement, .sync]), &wire)
    #expect(outcome != nil && outcome?.failure == nil)
  }

  @Test func `a lost connection is an error and the server's last message wins`() {
    var silent = ScriptedWire(script: [.needInput, .lost])
    let (first, _) = run(ExchangeSteps([.statement, .sync]), &silent)
    #expect(first?.failure?.error.kind == .connectionLost)
    let shutdown = PostgreSQLError(.connectionLost, "terminating", sqlState: .adminShutdown)
    var talking = ScriptedWire(script: [.needInput, .lost, .result(.failure(shutdown))])
    let (second, _) = run(ExchangeSteps([.statement, .sync]), &talking)
    #expect(second?.failure?.error.sqlState == .adminShutdown)
  }

  @Test func `an early sync is a protocol violation`() {
    var wire = ScriptedWire(script: [.result(.sync)])
    let (outcome, _) = run(ExchangeSteps([.statement, .statement, .sync]), &wire)
    #expect(outcome?.failure?.error.kind == .protocolViolation)
  }

  @Test func `unread COPY rows are drained without spinning`() {
    var wire = ScriptedWire(script: [.result(.copyOut), .result(.failure(failure)), .result(nil)])
    wire.copyRows = [.row(10), .row(10), .finished]
    let (outcome, waits) = run(CopyEndSteps(), &wire)
    #expect(waits.isEmpty)
    guard case .failure(let error)? = outcome else {
      Issue.record("the COPY's error is lost")
      return
    }
    #expect(error.sqlState == .uniqueViolation)
  }

  @Test func `COPY rows are joined up to the chunk size`() {
    var wire = ScriptedWire(script: [])
    wire.copyRows = [.row(60), .row(60), .row(60), .finished]
    let (first, _) = run(CopyReadSteps(chunkSize: 100), &wire)
    #expect(first?.chunk.count == 120 && first?.isLast == false)
    let (second, _) = run(CopyReadSteps(chunkSize: 100), &wire)
    #expect(second?.chunk.count == 60 && second?.isLast == true)
  }

  @Test func `rows longer than the chunk stay whole`() {
    for size in [8191, 8192, 8193, 20_000, 100_000] {
      var wire = ScriptedWire(script: [])
      wire.copyRows = [.row(100 + 1), .row(size), .row(7), .finished]
      let (first, _) = run(CopyReadSteps(chunkSize: 101), &wire)
      #expect(first?.chunk.count == 101)
      let (second, _) = run(CopyReadSteps(chunkSize: 100), &wire)
      // A row of exactly the chunk size may be joined with the next row.
      #expect([size, size + 7].contains(second?.chunk.count ?? 0), "\(size)")
      #expect(second?.chunk.allSatisfy { $0 == 1 } == true)
    }
  }
}
