import DomainTestSupport
import Learning
import TestSupport
import Testing

@testable import VerdictCore

/// The memory that the trainings of a process share.
@Suite struct TrainingMemoryTests {
  @Test func `a training waits for its turn, in order`() async throws {
    let memory = TrainingMemory(limit: 100)
    var first: TrainingReservation? = try await memory.reserve(80, for: "First")
    let large = Task { try await memory.reserve(90, for: "Large") }
    try await Task.sleep(for: .milliseconds(50))
    // The training would fit, but others came before.
    let small = Task { try await memory.reserve(10, for: "Small") }
    try await Task.sleep(for: .milliseconds(50))
    #expect(memory.held == 80 && first != nil)
    first = nil
    let (one, other) = try await (large.value, small.value)
    #expect(memory.held == 100 && one.count == 90 && other.count == 10)
  }

  @Test func `a training that needs more than there is fails`() async throws {
    let memory = TrainingMemory(limit: 100 << 20)
    let failure = await #expect(throws: TrainingFailure.self) {
      _ = try await memory.reserve(200 << 20, for: "Training on 7 labels with 2 features")
    }
    #expect(failure?.type == "too-large")
    #expect(failure?.detail.hasPrefix("Training on 7 labels with 2 features needs about 200 MB") == true)
    let small = try await memory.reserve(1 << 20, for: "Training")
    await #expect(throws: TrainingFailure.self) { try await small.grow(to: 101 << 20, for: "Training") }
    #expect(memory.held == 1 << 20)
  }

  @Test func `one training waits for more, a second one is told to come again`() async throws {
    let memory = TrainingMemory(limit: 100)
    let one = try await memory.reserve(50, for: "One")
    var other: TrainingReservation? = try await memory.reserve(50, for: "Other")
    let growing = Task { try await one.grow(to: 70, for: "One") }
    try await eventually { memory.isGrowing }
    await #expect(throws: TrainingMemory.Busy.self) { try await other?.grow(to: 60, for: "Other") }
    other = nil
    try await growing.value
    #expect(memory.held == 70 && one.count == 70)
  }

  @Test func `a cancelled training leaves the queue`() async throws {
    let memory = TrainingMemory(limit: 100)
    var first: TrainingReservation? = try await memory.reserve(80, for: "First")
    let waiting = Task { try await memory.reserve(90, for: "Cancelled") }
    let next = Task {
      try await Task.sleep(for: .milliseconds(50))
      return try await memory.reserve(20, for: "Next")
    }
    try await Task.sleep(for: .milliseconds(100))
    waiting.cancel()
    await #expect(throws: CancellationError.self) { _ = try await waiting.value }
    #expect(try await next.value.count == 20)
    #expect(first?.count == 80)
    first = nil
    #expect(memory.held == 20)
  }

  @Test func `the memory of a training is known before a row is read`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      _ = try await domain.dataset(tenant)
      try await domain.post(x: (0..<2_000).map { Double($0 % 17) - 8 }, tenant)
      let dataset = try await domain.datasets.dataset(tenant, named: "d").id
      func read(_ limit: Int, _ cache: LabelCache) async throws -> LabelReader.Reading {
        try await LabelReader(
          database: domain.database, cache: cache, memory: TrainingMemory(limit: limit),
          logger: domain.logger
        ).read(tenant, dataset: dataset) { _, _ in }
      }
      let needed = TrainingFootprint(rows: 2_000, numeric: 1, categorical: 1).bytes
      let cache = LabelCache(bytes: 1 << 20)
      let failure = await #expect(throws: TrainingFailure.self) { _ = try await read(needed - 1, cache) }
      #expect(failure?.type == "too-large")
      // Categories are counted while they are read.
      let memory = TrainingMemory(limit: 1 << 30)
      let reading = try await LabelReader(
        database: domain.database, cache: cache, memory: memory, logger: domain.logger
      ).read(tenant, dataset: dataset) { _, _ in }
      #expect(reading.table.rowCount == 2_000 && memory.held >= needed && reading.memory.count == memory.held)
      #expect(cache.byteCount > 0)
      // The cache gives way to a training of another dataset.
      cache.shrink(to: 0, keeping: tenant, dataset)
      #expect(cache.byteCount > 0)
      cache.shrink(to: 0, keeping: tenant, dataset + 1)
      #expect(cache.byteCount == 0)
    }
  }
}
