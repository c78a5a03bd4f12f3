import Synchronization
import TestSupport
import Testing

@testable import VerdictCore

/// Tests of the turns in which large models are decoded.
@Suite struct ModelTurnsTests {
  private let tenant = TenantID(rawValue: 1)

  /// Counts what runs at the same time.
  private final class Peak: Sendable {
    private let state = Mutex((now: 0, most: 0))

    var most: Int { state.withLock(\.most) }
    func begin() { state.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) } }
    func end() { state.withLock { $0.now -= 1 } }
  }

  @Test func `no more than the limit run at once`() async throws {
    let turns = ModelTurns(limit: 2)
    let peak = Peak()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<20 {
        group.addTask {
          try await turns.withTurn(for: TenantID(rawValue: Int32(number % 3)), .request) {
            peak.begin()
            try await Task.sleep(for: .milliseconds(2))
            peak.end()
          }
        }
      }
      try await group.waitForAll()
    }
    #expect((1...2).contains(peak.most))
  }

  @Test func `a request that waits for too long is refused, and a cancelled one leaves`() async throws {
    let turns = ModelTurns(limit: 1, patience: .milliseconds(50))
    try await turns.withTurn(for: tenant, .request) {
      await #expect(throws: ModelTurns.Busy.self) { try await turns.withTurn(for: tenant, .prediction) {} }
    }
    let patient = ModelTurns(limit: 1, patience: .seconds(600))
    try await patient.withTurn(for: tenant, .request) {
      let cancelled = Task { [tenant] in try await patient.withTurn(for: tenant, .request) {} }
      cancelled.cancel()
      await #expect(throws: CancellationError.self) { try await cancelled.value }
    }
    // The place is free again.
    try await patient.withTurn(for: tenant, .request) {}
  }
}
