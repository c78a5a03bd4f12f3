import HTTPTestSupport
import Testing
import VerdictCore

@testable import VerdictServer

/// How many connections are held for long, and by whom.
@Suite struct SeatsTests {
  private let one = TenantID(rawValue: 1)
  private let other = TenantID(rawValue: 2)
  private let third = TenantID(rawValue: 3)

  /// Takes seats until there is none; nobody waits.
  private func fill(_ seats: Seats, _ use: Seats.Use, _ tenant: TenantID) async -> [Seat] {
    var taken: [Seat] = []
    while let seat = try? await seats.take(use, for: tenant) { taken.append(seat) }
    return taken
  }

  @Test func streamsHaveHalfAndATenantAQuarter() async throws {
    let seats = Seats(connections: 16) { _ in .zero }
    let first = await fill(seats, .stream, one)
    #expect(first.count == 4)
    let second = await fill(seats, .stream, other)
    #expect(second.count == 4)
    #expect(await fill(seats, .stream, third).isEmpty)
    // Work has the rest of three quarters.
    let work = await fill(seats, .work, third)
    #expect(work.count == 4)
    #expect(seats.taken == 12)
    await #expect(throws: Seats.Full.self) { try await seats.take(.work, for: one) }
    for seat in first + second + work { seat.leave() }
    #expect(seats.taken == 0)
  }

  @Test func aTenantLeavesRoomForAnother() async {
    let seats = Seats(connections: 16) { _ in .zero }
    let work = await fill(seats, .work, one)
    #expect(work.count == 8)
    #expect(await fill(seats, .stream, other).count == 4)
    work.forEach { $0.leave() }
  }

  @Test(arguments: [2, 3, 4, 1_000]) func everyPoolHasSeatsAndRoomBeside(connections: Int) async {
    let seats = Seats(connections: connections) { _ in .zero }
    var taken: [Seat] = []
    for tenant in 1...8 { taken += await fill(seats, .stream, TenantID(rawValue: Int32(tenant))) }
    for tenant in 1...8 { taken += await fill(seats, .work, TenantID(rawValue: Int32(tenant))) }
    #expect((1..<connections).contains(taken.count))
    taken.forEach { $0.leave() }
  }

  @Test(.timeLimit(.minutes(1))) func whoWaitsIsSeatedInOrder() async throws {
    let seats = Seats(connections: 2) { _ in .seconds(600) }
    let held = try await seats.take(.stream, for: one)
    let (order, came) = AsyncStream<Int>.makeStream()
    let tasks = (0..<3).map { number in
      Task {
        let seat = try await seats.take(.stream, for: number == 1 ? one : other)
        came.yield(number)
        seat.leave()
      }
    }
    held.leave()
    var seen: Set<Int> = []
    for await number in order {
      seen.insert(number)
      if seen.count == 3 { break }
    }
    for task in tasks { try await task.value }
    #expect(seats.taken == 0)
  }

  @Test(.timeLimit(.minutes(1))) func aSeatThatNobodyHasIsFree() async throws {
    let seats = Seats(connections: 2) { _ in .zero }
    _ = try await seats.take(.stream, for: one)
    #expect(seats.taken == 0)
    let seat = try await seats.take(.stream, for: one)
    seat.leave()
    seat.leave()
    #expect(seats.taken == 0)
  }
}

/// The memory that bodies take.
@Suite struct BodyMemoryTests {
  @Test func sharesTakeAndGiveBack() throws {
    let memory = BodyMemory(limit: 200)
    let (one, other) = (TenantID(rawValue: 1), TenantID(rawValue: 2))
    let first = BodyMemory.Share(of: memory, for: one)
    try first.grow(to: 60)
    do {
      let second = BodyMemory.Share(of: memory, for: one)
      // A tenant has half of it, and leaves the other half to the others.
      #expect(throws: BodyMemory.Exhausted.self) { try second.grow(to: 41) }
      try second.grow(to: 40)
      let others = BodyMemory.Share(of: memory, for: other)
      try others.grow(to: 100)
      #expect(memory.taken == 200)
      let third = BodyMemory.Share(of: memory, for: TenantID(rawValue: 3))
      #expect(throws: BodyMemory.Exhausted.self) { try third.grow(to: 1) }
    }
    #expect(memory.taken == 60)
    #expect(first.resize(to: 10))
    #expect(memory.taken == 10)
  }

  @Test(.timeLimit(.minutes(2))) func moreThanFitsIsTurnedAway() async throws {
    try await BodyMemory.$current.withValue(BodyMemory(limit: 200_000)) {
      try await TestServer.with(worker: false) { server in
        try await server.client.makeDataset()
        let large = SmallData.batch(SmallData.rows(3_000)).text
        #expect(large.utf8.count > 100_000)
        let refused = try await server.client.send("POST", "/v1/datasets/d/labels", text: large)
        #expect(refused.status == 503)
        #expect(refused.isProblem && refused.problem == "overloaded")
        #expect(refused.headers["retry-after"] == "1")
        // What fits goes on, and what was turned away has left nothing behind.
        for _ in 0..<3 { try await server.client.addLabels(SmallData.rows(1_000)) }
        _ = try await eventually { BodyMemory.current.taken == 0 ? true : nil }
        let metrics = try await server.client.get("/metrics").text
        #expect(metrics.contains("verdict_requests_shed_total 1\n"))
      }
    }
  }
}
