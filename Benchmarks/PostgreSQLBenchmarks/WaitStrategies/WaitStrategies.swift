import Dispatch
import Foundation
import PostgreSQL
import Synchronization
import TestSupport

/// Compares strategies of waiting for libpq, without the rest of the client: single-row SELECTs on 16 connections.
/// docs/decisions/0001 has the results and the conclusion.
struct WaitStrategies {
  let tools: Tools
  let configuration: ConnectionConfiguration

  /// Runs statements on the connection with an index until the time is over, and returns their number.
  typealias Work = @Sendable (Int) async -> Int

  func run() async throws {
    var reference = Measurements()
    var measurements: [(name: String, measurements: Measurements)] = []
    for round in 0..<Main.rounds {
      try await reference.measure {
        try await tools.pgbench("\\set id random(1, 100000)\nSELECT value FROM kv WHERE id = :id;\n")
      }
      for (index, strategy) in strategies.enumerated() {
        if round == 0 { measurements.append((strategy.name, Measurements())) }
        try await measurements[index].measurements.measure { try await strategy.run() }
      }
    }
    for (name, measurements) in measurements { measurements.report(name, against: reference) }
  }

  private var strategies: [(name: String, run: () async throws -> Double)] {
    [
      ("blocking threads, no tasks", bareThreads), ("a thread a connection", threads),
      ("DispatchSource", dispatchSources), ("epoll thread wakes tasks", { try await epoll(onThread: false) }),
      ("tasks on the epoll thread", { try await epoll(onThread: true) }),
    ]
  }

  private func connections() throws -> [RawConnection] {
    try (0..<16).map { _ in try RawConnection(configuration) }
  }

  /// The limit without Swift tasks: each thread runs its statements one after the other.
  private func bareThreads() async throws -> Double {
    let connections = try connections()
    let total = Atomic<Int>(0)
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
      let group = DispatchGroup()
      for connection in connections {
        group.enter()
        Thread.detachNewThread {
          var ids = RandomIDs()
          while ids.next() { connection.execute(ids.current) }
          total.wrappingAdd(ids.count, ordering: .relaxed)
          group.leave()
        }
      }
      group.notify(queue: .global()) { continuation.resume() }
    }
    return Double(total.load(ordering: .relaxed)) / Double(Main.seconds)
  }

  /// One blocking thread a connection; a task hands its statement over and is resumed with the result.
  private func threads() async throws -> Double {
    let threads = try connections().map { BlockingThread($0) }
    defer { for thread in threads { thread.end() } }
    return await rate { index in
      var ids = RandomIDs()
      while ids.next() { await threads[index].execute(ids.current) }
      return ids.count
    }
  }

  private func dispatchSources() async throws -> Double {
    let connections = try connections()
    let queue = DispatchQueue(label: "sockets")
    let slots = connections.map { _ in EpollThread.Slot() }
    // Sound: dispatch objects can be used from any thread (dispatch_object(3)).
    nonisolated(unsafe) let sources = connections.enumerated().map { index, connection in
      connection.setNonblocking()
      let source = DispatchSource.makeReadSource(fileDescriptor: connection.socket, queue: queue)
      // The source is level-triggered, so it is suspended until the task has read.
      source.setEventHandler {
        source.suspend()
        slots[index].fire()
      }
      return source
    }
    let rate = await rate { index in
      var ids = RandomIDs()
      while ids.next() {
        connections[index].send(ids.current)
        repeat {
          sources[index].resume()
          await slots[index].wait()
        } while !connections[index].receive()
      }
      return ids.count
    }
    for source in sources {
      source.setEventHandler {}
      source.resume()
      source.cancel()
    }
    // The socket must outlive its source.
    queue.sync {}
    withExtendedLifetime(connections) {}
    return rate
  }

  private func epoll(onThread: Bool) async throws -> Double {
    let connections = try connections()
    for connection in connections { connection.setNonblocking() }
    let thread = EpollThread(connections)
    thread.start()
    return await rate(on: onThread ? thread : nil) { index in
      var ids = RandomIDs()
      while ids.next() {
        connections[index].send(ids.current)
        repeat { await thread.wait(index) } while !connections[index].receive()
      }
      return ids.count
    }
  }

  private func rate(on executor: (any TaskExecutor)? = nil, _ work: @escaping Work) async -> Double {
    let total = await withTaskGroup(of: Int.self) { group in
      for index in 0..<16 { group.addTask(executorPreference: executor) { await work(index) } }
      return await group.reduce(0, +)
    }
    return Double(total) / Double(Main.seconds)
  }
}

/// Random row ids until the time of the measurement is over, and their number.
struct RandomIDs {
  private let deadline = ContinuousClock.now + .seconds(Main.seconds)
  // A linear congruential generator, because the system's makes a system call each time.
  private var random = UInt32.random(in: 0 ... .max)
  private(set) var count = -1

  var current: Int { Int(random >> 8) % 100_000 + 1 }

  mutating func next() -> Bool {
    random = random &* 1_664_525 &+ 1_013_904_223
    count += 1
    return ContinuousClock.now < deadline
  }
}
