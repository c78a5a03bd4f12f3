import Dispatch
import Foundation
import PostgreSQL
import Synchronization

/// Ways of waiting for libpq, compared without the client around them: single-row SELECTs on 16 connections.
/// docs/decisions/0001 has the figures and what follows from them.
struct Waiting {
  let tools: Tools
  let configuration: ConnectionConfiguration

  /// Runs statements on the connection with an index until told to stop; returns how many.
  typealias Work = @Sendable (Int) async -> Int

  func run() async throws {
    var reference = Figures()
    var figures: [(name: String, figures: Figures)] = []
    for round in 0..<Main.rounds {
      try await reference.measure {
        try await tools.pgbench("\\set id random(1, 100000)\nSELECT value FROM kv WHERE id = :id;\n")
      }
      for (index, way) in ways.enumerated() {
        if round == 0 { figures.append((way.name, Figures())) }
        try await figures[index].figures.measure { try await way.run() }
      }
    }
    for (name, figures) in figures { figures.report(name, against: reference) }
  }

  private var ways: [(name: String, run: () async throws -> Double)] {
    [
      ("blocking threads, no tasks", bareThreads), ("a thread a connection", threads),
      ("DispatchSource", dispatchSources), ("epoll thread wakes tasks", { try await epoll(onThread: false) }),
      ("tasks on the epoll thread", { try await epoll(onThread: true) }),
    ]
  }

  private func sessions() throws -> [Session] { try (0..<16).map { _ in try Session(configuration) } }

  /// What there would be without Swift's tasks: each thread runs its statements one after the other.
  private func bareThreads() async throws -> Double {
    let sessions = try sessions()
    let total = Atomic<Int>(0)
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
      let group = DispatchGroup()
      for session in sessions {
        group.enter()
        Thread.detachNewThread {
          var numbers = Numbers()
          while numbers.next() { session.execute(numbers.id) }
          total.wrappingAdd(numbers.count, ordering: .relaxed)
          group.leave()
        }
      }
      group.notify(queue: .global()) { continuation.resume() }
    }
    return Double(total.load(ordering: .relaxed)) / Double(Main.seconds)
  }

  /// Each connection has a thread that waits in libpq; a task hands its statement over and is resumed.
  private func threads() async throws -> Double {
    let lanes = try sessions().map { Lane($0) }
    defer { for lane in lanes { lane.end() } }
    return await rate { index in
      var numbers = Numbers()
      while numbers.next() { await lanes[index].execute(numbers.id) }
      return numbers.count
    }
  }

  private func dispatchSources() async throws -> Double {
    let sessions = try sessions()
    let queue = DispatchQueue(label: "sockets")
    let slots = sessions.map { _ in EpollThread.Slot() }
    // Sound: dispatch objects may be used from any thread (dispatch_object(3)).
    nonisolated(unsafe) let sources = sessions.enumerated().map { index, session in
      session.setNonblocking()
      let source = DispatchSource.makeReadSource(fileDescriptor: session.socket, queue: queue)
      // The source is level-triggered: it sleeps until the task has read.
      source.setEventHandler {
        source.suspend()
        slots[index].fire()
      }
      return source
    }
    let rate = await rate { index in
      var numbers = Numbers()
      while numbers.next() {
        sessions[index].send(numbers.id)
        repeat {
          sources[index].resume()
          await slots[index].wait()
        } while !sessions[index].receive()
      }
      return numbers.count
    }
    for source in sources {
      source.setEventHandler {}
      source.resume()
      source.cancel()
    }
    // A source must not outlive its socket.
    queue.sync {}
    withExtendedLifetime(sessions) {}
    return rate
  }

  private func epoll(onThread: Bool) async throws -> Double {
    let sessions = try sessions()
    for session in sessions { session.setNonblocking() }
    let thread = EpollThread(sessions)
    thread.start()
    return await rate(on: onThread ? thread : nil) { index in
      var numbers = Numbers()
      while numbers.next() {
        sessions[index].send(numbers.id)
        repeat { await thread.wait(index) } while !sessions[index].receive()
      }
      return numbers.count
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

/// Random row numbers until the measurement's time is over, and how many there were.
struct Numbers {
  private let deadline = ContinuousClock.now + .seconds(Main.seconds)
  // A linear congruential generator: the system's asks the kernel each time.
  private var random = UInt32.random(in: 0 ... .max)
  private(set) var count = -1

  var id: Int { Int(random >> 8) % 100_000 + 1 }

  mutating func next() -> Bool {
    random = random &* 1_664_525 &+ 1_013_904_223
    count += 1
    return ContinuousClock.now < deadline
  }
}
