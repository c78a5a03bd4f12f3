import Synchronization
import Testing

@testable import VerdictCore

/// The resident size of a process as a bound.
@Suite struct MemoryPressureTests {
  /// A resident size that a test sets.
  private final class Size: Sendable {
    let bytes = Atomic(0)
    let high = Atomic(0)

    func pressure() -> MemoryPressure {
      MemoryPressure(limit: 800) {
        self.bytes.load(ordering: .relaxed)
      } onHigh: {
        self.high.add(1, ordering: .relaxed)
      }
    }
  }

  @Test func `levels begin at three quarters and seven eighths`() {
    let size = Size()
    for (bytes, level) in [(0, MemoryPressure.Level.none), (599, .none), (600, .high), (700, .critical)] {
      size.bytes.store(bytes, ordering: .relaxed)
      #expect(size.pressure().level == level)
    }
    #expect(size.high.load(ordering: .relaxed) == 2)
    #expect(MemoryPressure(limit: 800) { nil }.level == .none)
  }

  @Test(.timeLimit(.minutes(10))) func `waiting ends with the pressure or with patience`() async throws {
    let size = Size()
    size.bytes.store(750, ordering: .relaxed)
    let pressure = size.pressure()
    #expect(try await !pressure.relief(below: .critical, within: .milliseconds(1)))
    async let relieved = pressure.relief(below: .critical, within: .seconds(600))
    size.bytes.store(650, ordering: .relaxed)
    #expect(try await relieved)
    #expect(try await !pressure.relief(below: .high, within: .milliseconds(1)))
  }

  @Test(.timeLimit(.minutes(10))) func `large models wait, and those of predictions first get what is left`()
    async throws
  {
    let size = Size()
    size.bytes.store(650, ordering: .relaxed)
    let turns = ModelTurns(limit: 1, patience: .milliseconds(1), pressure: size.pressure())
    let tenant = TenantID(rawValue: 1)
    await #expect(throws: ModelTurns.Busy.self) { try await turns.withTurn(for: tenant, .request) {} }
    try await turns.withTurn(for: tenant, .prediction) {}
    size.bytes.store(750, ordering: .relaxed)
    let critical = ModelTurns(limit: 1, patience: .milliseconds(1), pressure: size.pressure())
    await #expect(throws: ModelTurns.Busy.self) { try await critical.withTurn(for: tenant, .prediction) {} }
    let memory = TrainingMemory(limit: 100, pressure: size.pressure())
    let training = Task { try await memory.reserve(10, for: "A training") }
    training.cancel()
    await #expect(throws: CancellationError.self) { try await training.value }
    #expect(memory.held == 0)
  }
}
