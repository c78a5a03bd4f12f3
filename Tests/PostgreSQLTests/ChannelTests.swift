import Glibc
import Synchronization
import Testing

@testable import PostgreSQL

/// Tests of a channel's edge-triggered events and interruptions.
@Suite struct ChannelTests {
  /// The peer closes the connection between the end of one operation and the start of the next. The single edge must
  /// not be lost.
  @Test(.timeLimit(.minutes(10))) func `an edge between operations is kept`() async throws {
    var ends: [Int32] = [0, 0]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    defer { close(ends[0]) }
    let channel = Channel(loop: .shared)
    let calls = Calls()
    // A busy connection records the event and reads nothing.
    channel.onIdleEvent { calls.count.wrappingAdd(1, ordering: .relaxed) }
    channel.watchWhileIdle(ends[0], rearms: true)
    close(ends[1])
    while calls.count.load(ordering: .relaxed) == 0 { try await Task.sleep(for: .milliseconds(1)) }
    channel.watchWhileIdle(ends[0], rearms: false)
    #expect(calls.count.load(ordering: .relaxed) == 2)
    channel.stopIdling()
    #expect(await channel.wait(ends[0], for: .read, rearms: false).contains(.read))
    channel.close()
  }

  /// The peer's last bytes and the end of the stream arrive as one edge. After reading the bytes, the channel must
  /// still report the end.
  @Test(.timeLimit(.minutes(10))) func `an end that arrives with the last bytes is not lost`() async throws {
    var ends: [Int32] = [0, 0]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    defer { close(ends[0]) }
    let channel = Channel(loop: .shared)
    let calls = Calls()
    channel.onIdleEvent { calls.count.wrappingAdd(1, ordering: .relaxed) }
    #expect(write(ends[1], "x", 1) == 1)
    close(ends[1])
    #expect(await channel.wait(ends[0], for: .read, rearms: false).contains(.read))
    var byte: UInt8 = 0
    #expect(read(ends[0], &byte, 1) == 1)
    #expect(await channel.wait(ends[0], for: .read, rearms: false).contains(.read))
    channel.watchWhileIdle(ends[0], rearms: false)
    while calls.count.load(ordering: .relaxed) == 0 { try await Task.sleep(for: .milliseconds(1)) }
    channel.close()
  }

  /// An interruption before a wait ends that wait and no later one.
  @Test(.timeLimit(.minutes(10))) func `an interruption before its wait is not lost`() async throws {
    var ends: [Int32] = [0, 0]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    defer { for end in ends { close(end) } }
    let channel = Channel(loop: .shared)
    channel.interruptWait()
    #expect(await channel.wait(ends[0], for: .read, rearms: true).isEmpty)
    #expect(write(ends[1], "x", 1) == 1)
    #expect(await channel.wait(ends[0], for: .read, rearms: true) == .read)
    channel.close()
  }

  private final class Calls: Sendable {
    let count = Atomic<Int>(0)
  }
}
