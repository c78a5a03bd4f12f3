import Synchronization
import TestSupport
import Testing

@testable import VerdictCore

/// Tests of the reads that requests share.
@Suite struct PacedReadsTests {
  private let one = TenantID(rawValue: 1)
  private let two = TenantID(rawValue: 2)

  /// Counts the reads that run.
  private final class Running: Sendable {
    private let state = Mutex((now: 0, most: 0))

    /// The most reads that ran at once.
    var most: Int { state.withLock { $0.most } }

    @discardableResult
    func begin() -> Int {
      state.withLock {
        $0.now += 1
        $0.most = max($0.most, $0.now)
        return $0.now
      }
    }

    func end() { state.withLock { $0.now -= 1 } }
  }

  @Test(.timeLimit(.minutes(1)))
  func requestsForOneStateShareARead() async throws {
    let reads = PacedReads<String, Int, Int>()
    let count = Running()
    @Sendable func read() async throws -> Int {
      try await Task.sleep(for: .milliseconds(20))
      return count.begin()
    }
    try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<24 { group.addTask { try await reads.value(one, "a", version: 1, read: read) } }
      for try await value in group { #expect(value == 1) }
    }
    #expect(try await reads.value(one, "a", version: 1, read: read) == 1)
    // A short read is repeated for another state.
    #expect(try await reads.value(one, "a", version: 2, read: read) == 2)
  }

  @Test(.timeLimit(.minutes(1)))
  func aLongReadAlsoAnswersForLaterStates() async throws {
    let reads = PacedReads<String, Int, Int>()
    func value(_ version: Int) async throws -> Int {
      try await reads.value(one, "a", version: version) {
        try await Task.sleep(for: .milliseconds(150))
        return version
      }
    }
    #expect(try await value(1) == 1)
    #expect(try await value(2) == 1)
    try await eventually { try await value(3) == 3 }
  }

  /// Eight requests for different subjects run one after the other, with pauses of three times their duration; another tenant does not
  /// wait for them.
  @Test(.timeLimit(.minutes(1)))
  func oneTenantReadsOneAtATimeWithPauses() async throws {
    let reads = PacedReads<Int, Int, Int>(patience: .seconds(50))
    let running = Running()
    let start = ContinuousClock.now
    try await withThrowingTaskGroup(of: Void.self) { group in
      for subject in 0..<8 {
        group.addTask {
          _ = try await reads.value(one, subject, version: 1) {
            running.begin()
            try await Task.sleep(for: .milliseconds(20))
            running.end()
            return subject
          }
        }
      }
      group.addTask {
        try await Task.sleep(for: .milliseconds(30))
        let begin = ContinuousClock.now
        #expect(try await reads.value(two, 100, version: 1) { 7 } == 7)
        #expect(ContinuousClock.now - begin < .seconds(5))
      }
      try await group.waitForAll()
    }
    #expect(running.most == 1)
    #expect(ContinuousClock.now - start >= .milliseconds(8 * 20 + 7 * 60))
  }

  @Test(.timeLimit(.minutes(1)))
  func aRequestIsRefusedWhenItsTurnIsTooFar() async throws {
    let reads = PacedReads<Int, Int, Int>(patience: .milliseconds(100))
    _ = try await reads.value(one, 1, version: 1) {
      try await Task.sleep(for: .milliseconds(200))
      return 1
    }
    await #expect(throws: ReadsBusy.self) { try await reads.value(one, 2, version: 1) { 2 } }
    #expect(try await reads.value(one, 1, version: 1) { 3 } == 1)
    #expect(try await reads.value(two, 2, version: 1) { 4 } == 4)
  }

  @Test(.timeLimit(.minutes(1)))
  func aCancelledRequestDoesNotCancelTheOthers() async throws {
    struct Failure: Error {}
    let reads = PacedReads<Int, Int, Int>()
    let first = Task {
      try await reads.value(one, 1, version: 1) {
        try await Task.sleep(for: .milliseconds(100))
        return 1
      }
    }
    try await Task.sleep(for: .milliseconds(20))
    let second = Task { try await reads.value(one, 1, version: 1) { 2 } }
    first.cancel()
    #expect(try await second.value == 1)
    // A failure is not kept.
    await #expect(throws: Failure.self) { try await reads.value(two, 2, version: 1) { throw Failure() } }
    #expect(try await reads.value(two, 2, version: 1) { 5 } == 5)
  }
}
