import Testing

@testable import VerdictServer

/// Tests of the pace of requests without a valid key.
@Suite struct UnauthenticatedPaceTests {
  @Test(.timeLimit(.minutes(1)))
  func requestsBeyondTheRateWait() async {
    let pace = UnauthenticatedPace(rate: 10)
    for _ in 0..<20 { #expect(await pace.admit("a") == .admitted) }
    let start = ContinuousClock.now
    #expect(await pace.admit("a", cost: 20) == .held)
    #expect(ContinuousClock.now - start >= .milliseconds(250))
    // Other addresses are not concerned.
    #expect(await pace.admit("b") == .admitted)
  }

  /// Twenty-four clients that send one request after the other are slowed down to few requests a second each.
  @Test(.timeLimit(.minutes(1)))
  func aClientThatWaitsForItsResponsesIsSlowedDown() async {
    let pace = UnauthenticatedPace(rate: 50)
    let end = ContinuousClock.now + .seconds(1)
    let answered = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<24 {
        group.addTask {
          var count = 0
          while .now < end {
            _ = await pace.admit("a")
            count += 1
          }
          return count
        }
      }
      return await group.reduce(0, +)
    }
    // A burst of 100, 50 in the second, and at most five late ones for each client.
    #expect(answered <= 100 + 50 + 24 * 5)
  }

  @Test(.timeLimit(.minutes(1)))
  func theNumberOfWaitingResponsesIsBounded() async {
    let pace = UnauthenticatedPace(rate: 10)
    _ = await pace.admit("a", cost: 20)
    let outcomes = await withTaskGroup(of: UnauthenticatedPace.Admission.self) { group in
      for _ in 0..<2_500 { group.addTask { await pace.admit("a", cost: 20) } }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(outcomes.contains(.held) && !outcomes.contains(.admitted))
    #expect(outcomes.count { $0 == .held } <= 2_500)
  }
}
