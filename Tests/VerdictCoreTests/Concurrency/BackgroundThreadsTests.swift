import Glibc
import Testing

@testable import VerdictCore

/// Work on niced threads.
@Suite struct BackgroundThreadsTests {
  /// The niceness of the calling thread.
  private static func niceness() -> Int32 { getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0) }

  @Test(.timeLimit(.minutes(10))) func onlyTheWorkIsNiced() async throws {
    // A test run may be niced itself.
    let ordinary = Self.niceness()
    for (threads, niceness) in [(BackgroundThreads.trainings, 10), (.models, 5)]
      as [(BackgroundThreads, Int32)]
    {
      let found = await withTaskGroup(of: (Int32?, Int32).self) { group in
        for _ in 0..<50 {
          group.addTask { (try? await threads.run { Self.niceness() }, Self.niceness()) }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
      #expect(found.allSatisfy { $0.0 == max(niceness, ordinary) })
      #expect(found.allSatisfy { $0.1 == ordinary })
    }
  }

  @Test(.timeLimit(.minutes(10))) func errorsReachTheCaller() async {
    struct Failure: Error {}
    await #expect(throws: Failure.self) { try await BackgroundThreads.models.run { throw Failure() } }
  }
}
