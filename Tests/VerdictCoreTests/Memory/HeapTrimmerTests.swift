import Synchronization
import TestSupport
import Testing

@testable import VerdictCore

/// Tests of the moments at which freed memory returns to the system.
@Suite struct HeapTrimmerTests {
  @Test func `large work is followed by one trim, small work by none`() async throws {
    let trims = Mutex(0)
    let trimmer = HeapTrimmer(threshold: 100, quiet: .milliseconds(20), latest: .seconds(60)) {
      trims.withLock { $0 += 1 }
    }
    trimmer.freed(99)
    try await Task.sleep(for: .milliseconds(100))
    #expect(trims.withLock { $0 } == 0)
    for _ in 0..<10 { trimmer.freed(50) }
    try await eventually { trims.withLock { $0 } == 1 }
    try await Task.sleep(for: .milliseconds(100))
    #expect(trims.withLock { $0 } == 1)
    trimmer.freed(100)
    try await eventually { trims.withLock { $0 } == 2 }
  }

  @Test func `work that never rests delays it only for a while`() async throws {
    let trims = Mutex(0)
    let trimmer = HeapTrimmer(threshold: 1, quiet: .seconds(600), latest: .milliseconds(50)) {
      trims.withLock { $0 += 1 }
    }
    trimmer.freed(1)
    try await eventually { trims.withLock { $0 } == 1 }
  }

  @Test func `urgent trims wait for nothing, and are not repeated at once`() async throws {
    let trims = Mutex(0)
    let trimmer = HeapTrimmer(threshold: 1, quiet: .seconds(600), latest: .seconds(600)) {
      trims.withLock { $0 += 1 }
    }
    for _ in 0..<5 { trimmer.urgent() }
    try await eventually { trims.withLock { $0 } == 1 }
    try await Task.sleep(for: .milliseconds(50))
    #expect(trims.withLock { $0 } == 1)
  }
}
