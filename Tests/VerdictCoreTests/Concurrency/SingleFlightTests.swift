import Synchronization
import TestSupport
import Testing

@testable import VerdictCore

/// Tests of operations that concurrent callers share.
@Suite struct SingleFlightTests {
  private struct Failure: Error {}

  /// An operation that ends when the test says so.
  private final class Gate: Sendable {
    private let state = Mutex<(starts: Int, waiting: [CheckedContinuation<Void, Never>], isOpen: Bool)>(
      (0, [], false))

    var starts: Int { state.withLock { $0.starts } }

    func pass() async {
      await withCheckedContinuation { continuation in
        let isOpen = state.withLock { state in
          state.starts += 1
          if !state.isOpen { state.waiting.append(continuation) }
          return state.isOpen
        }
        if isOpen { continuation.resume() }
      }
    }

    func open() {
      let waiting = state.withLock { state in
        state.isOpen = true
        defer { state.waiting = [] }
        return state.waiting
      }
      for continuation in waiting { continuation.resume() }
    }
  }

  @Test func `concurrent callers share one operation`() async throws {
    let (flights, gate) = (SingleFlight<String, Int>(), Gate())
    let callers = (0..<20).map { _ in
      Task {
        try await flights.value(for: "a") {
          await gate.pass()
          return 7
        }
      }
    }
    try await eventually { gate.starts == 1 }
    // Another key has an operation of its own.
    #expect(try await flights.value(for: "b") { 8 } == 8)
    gate.open()
    for caller in callers { #expect(try await caller.value == 7) }
    #expect(flights.count == 0)
    #expect(try await flights.value(for: "a") { 9 } == 9)
  }

  @Test func `an error goes to all that wait, and the next caller tries again`() async throws {
    let (flights, gate) = (SingleFlight<Int, Int>(), Gate())
    let callers = (0..<5).map { _ in
      Task {
        try await flights.value(for: 1) {
          await gate.pass()
          throw Failure()
        }
      }
    }
    try await eventually { gate.starts == 1 }
    gate.open()
    // A caller that was late started a second operation, which fails as well.
    for caller in callers { await #expect(throws: Failure.self) { try await caller.value } }
    #expect(try await flights.value(for: 1) { 2 } == 2)
  }

  @Test func `a cancelled caller leaves at once and the others get the value`() async throws {
    let (flights, gate) = (SingleFlight<Int, Bool>(), Gate())
    let callers = (0..<3).map { _ in
      Task {
        try await flights.value(for: 1) {
          await gate.pass()
          return !Task.isCancelled
        }
      }
    }
    try await eventually { gate.starts == 1 }
    callers[0].cancel()
    await #expect(throws: CancellationError.self) { try await callers[0].value }
    #expect(flights.count == 1)
    gate.open()
    #expect(try await callers[1].value)
    #expect(try await callers[2].value)
  }
}
