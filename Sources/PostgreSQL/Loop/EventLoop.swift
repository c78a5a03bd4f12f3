internal import CLibPQ
internal import Glibc
internal import Synchronization

/// A thread that waits for many sockets at once (epoll) and runs the actors of their connections.
///
/// As it is the connections' executor, a connection goes from "socket ready" to the next libpq call without
/// a change of thread, and libpq is never called from a thread of Swift's concurrency pool.
final class EventLoop: SerialExecutor {
  private struct Shared {
    var jobs: [UnownedJob] = []
    var tasks: [@Sendable () -> Void] = []
    var isSleeping = false
  }

  /// What the loop's own thread alone touches. Sound as `nonisolated(unsafe)`: ``run()`` and what it calls are
  /// the only users, each public door is guarded by ``isCurrent``.
  nonisolated(unsafe) private var channels: [UInt64: Channel] = [:]
  nonisolated(unsafe) private var nextToken: UInt64 = 1
  nonisolated(unsafe) private var timers = TimerQueue()
  /// Jobs enqueued from the loop's own thread need no lock.
  nonisolated(unsafe) private var ownJobs: [UnownedJob] = []

  private let shared = Mutex(Shared())
  private let poll: Int32
  private let wakeUp: Int32
  /// The thread's identity, 0 until it has started.
  private let thread = Atomic<UInt>(0)

  /// Starts a loop. It lives as long as the process.
  init() {
    poll = epoll_create1(Int32(EPOLL_CLOEXEC))
    wakeUp = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    precondition(poll >= 0 && wakeUp >= 0, "no file descriptors left for an event loop")
    // Edge-triggered: each write is a new edge, so that the counter never needs to be read.
    var event = epoll_event(
      events: EPOLLIN.rawValue | EPOLLET.rawValue, data: epoll_data_t(u64: 0))
    epoll_ctl(poll, EPOLL_CTL_ADD, wakeUp, &event)
    startThread { self.run() }
  }

  /// True on the loop's own thread.
  var isCurrent: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    if isCurrent {
      ownJobs.append(job)
      return
    }
    let mustWake = shared.withLock { shared in
      shared.jobs.append(job)
      defer { shared.isSleeping = false }
      return shared.isSleeping
    }
    if mustWake { wake() }
  }

  func checkIsolated() { precondition(isCurrent, "not on the connection's event loop") }

  func isIsolatingCurrentContext() -> Bool? { isCurrent }

  /// Runs a closure on the loop, soon.
  func submit(_ task: @escaping @Sendable () -> Void) {
    let mustWake = shared.withLock { shared in
      shared.tasks.append(task)
      defer { shared.isSleeping = false }
      return shared.isSleeping
    }
    if mustWake { wake() }
  }

  private func wake() {
    var one: UInt64 = 1
    _ = write(wakeUp, &one, 8)
  }

  /// Adds a socket's registration. On the loop only.
  func add(_ channel: Channel) -> UInt64 {
    assert(isCurrent)
    defer { nextToken += 1 }
    channels[nextToken] = channel
    return nextToken
  }

  /// Forgets a registration. On the loop only.
  func remove(_ token: UInt64) { channels[token] = nil }

  /// Changes what a socket is watched for. On the loop only.
  func control(_ operation: Int32, _ socket: Int32, _ events: UInt32, _ token: UInt64) -> Bool {
    var event = epoll_event(events: events, data: epoll_data_t(u64: token))
    return epoll_ctl(poll, operation, socket, &event) == 0
  }

  /// Calls back once, not before `deadline`. On the loop only.
  func schedule(at deadline: ContinuousClock.Instant, _ body: @escaping () -> Void) -> TimerQueue.Token {
    assert(isCurrent)
    return timers.add(deadline, body)
  }

  /// Takes a timer back. On the loop only.
  func cancel(_ timer: TimerQueue.Token) { timers.cancel(timer) }

  private func run() {
    thread.store(UInt(pthread_self()), ordering: .relaxed)
    let executor = asUnownedSerialExecutor()
    var jobs: [UnownedJob] = []
    var events = [epoll_event](repeating: epoll_event(), count: 256)
    while true {
      jobs.append(contentsOf: ownJobs)
      ownJobs.removeAll(keepingCapacity: true)
      let tasks = takeShared(into: &jobs)
      for task in tasks { task() }
      for job in jobs { job.runSynchronously(on: executor) }
      jobs.removeAll(keepingCapacity: true)

      let count = epoll_wait(poll, &events, Int32(events.count), timeout())
      if count > 0 {
        for event in events.prefix(Int(count)) {
          channels[event.data.u64]?.fired(event.events)
        }
      }
      // Taken first, run afterwards: a callback may add or cancel timers.
      if !timers.isEmpty { for body in timers.takeDue(upTo: .now) { body() } }
    }
  }

  private func takeShared(into jobs: inout [UnownedJob]) -> [@Sendable () -> Void] {
    shared.withLock { shared in
      shared.isSleeping = false
      jobs.append(contentsOf: shared.jobs)
      shared.jobs.removeAll(keepingCapacity: true)
      guard !shared.tasks.isEmpty else { return [] }
      defer { shared.tasks = [] }
      return shared.tasks
    }
  }

  /// How long to sleep, in milliseconds: not at all with work at hand, -1 for ever. Announces the sleep, so
  /// that who brings work from then on wakes the loop.
  private func timeout() -> Int32 {
    guard ownJobs.isEmpty else { return 0 }
    let hasWork = shared.withLock { shared in
      shared.isSleeping = shared.jobs.isEmpty && shared.tasks.isEmpty
      return !shared.isSleeping
    }
    if hasWork { return 0 }
    guard let next = timers.next else { return -1 }
    let wait = ContinuousClock.now.duration(to: next)
    // Rounded up: waking a little early would only mean waking twice.
    let milliseconds =
      wait.components.seconds * 1000 + wait.components.attoseconds / 1_000_000_000_000_000 + 1
    return Int32(clamping: max(0, milliseconds))
  }
}
