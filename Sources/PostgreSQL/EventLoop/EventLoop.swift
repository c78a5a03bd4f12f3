internal import CLibPQ
internal import Glibc
internal import Synchronization

/// A thread that waits for many sockets (epoll) and for timers, and resumes the tasks that wait for them.
///
/// The loop calls libpq only to read input of idle connections. All other libpq calls run on the thread of the calling task,
/// since libpq does not wait in non-blocking mode. So a statement costs one thread switch, from the loop to the waiting task.
/// `docs/decisions/0001-waiting-for-libpq.md` has the measurements of the alternatives.
///
/// The loop is also a task executor: tasks that prefer it run on its thread, without any thread switch.
final class EventLoop: TaskExecutor {
  private struct State {
    var channels: [UInt64: Channel] = [:]
    var nextToken: UInt64 = 1
    var timers = TimerQueue()
    /// Jobs from other threads.
    var jobs: [UnownedJob] = []
    /// The latest end of the thread's sleep; nil while it is awake.
    var sleepingUntil: ContinuousClock.Instant?
  }

  private let state = LockedValueBox(State())
  /// Jobs from the loop's own thread, which need no lock. Sound as `nonisolated(unsafe)`: only that thread uses them.
  nonisolated(unsafe) private var ownJobs: [UnownedJob] = []
  /// The thread's identity, 0 until it has started.
  private let thread = Atomic<UInt>(0)
  private let poll: Int32
  private let wakeUp: Int32

  /// Starts a loop, which runs until the process exits.
  init() {
    poll = epoll_create1(Int32(EPOLL_CLOEXEC))
    wakeUp = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    precondition(poll >= 0 && wakeUp >= 0, "no file descriptors left for an event loop")
    // Edge-triggered: each write is a new edge, so that the counter need not be read.
    var event = epoll_event(events: EPOLLIN.rawValue | EPOLLET.rawValue, data: epoll_data_t(u64: 0))
    epoll_ctl(poll, EPOLL_CTL_ADD, wakeUp, &event)
    startDetachedThread { self.run() }
  }

  /// Adds a socket's registration and returns its token.
  func add(_ channel: Channel) -> UInt64 {
    state.withLock { state in
      defer { state.nextToken += 1 }
      state.channels[state.nextToken] = channel
      return state.nextToken
    }
  }

  /// Removes a registration.
  func remove(_ token: UInt64) { _ = state.withLock { $0.channels.removeValue(forKey: token) } }

  /// Calls epoll_ctl for a socket. Returns whether it succeeded.
  func control(_ operation: Int32, _ socket: Int32, _ events: UInt32, _ token: UInt64) -> Bool {
    var event = epoll_event(events: events, data: epoll_data_t(u64: token))
    return epoll_ctl(poll, operation, socket, &event) == 0
  }

  /// Calls `body` once on the loop's thread, not before `deadline`. The callback must be short.
  func schedule(
    at deadline: ContinuousClock.Instant, _ body: @escaping @Sendable () -> Void
  ) -> TimerQueue.Token {
    let (token, mustWake) = state.withLock { state in
      let mustWake = state.sleepingUntil.map { deadline < $0 } ?? false
      if mustWake { state.sleepingUntil = nil }
      return (state.timers.add(deadline, body), mustWake)
    }
    if mustWake { wake() }
    return token
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    if thread.load(ordering: .relaxed) == UInt(pthread_self()) {
      ownJobs.append(job)
      return
    }
    let mustWake = state.withLock { state in
      state.jobs.append(job)
      defer { state.sleepingUntil = nil }
      return state.sleepingUntil != nil
    }
    if mustWake { wake() }
  }

  private func wake() {
    var one: UInt64 = 1
    _ = write(wakeUp, &one, 8)
  }

  /// Cancels a timer; its callback may be running already.
  func cancel(_ timer: TimerQueue.Token) {
    // The callback may hold the last reference to a connection, whose deinit takes this lock.
    _ = state.withLock { $0.timers.cancel(timer) }
  }

  private func run() {
    var events = [epoll_event](repeating: epoll_event(), count: 256)
    var ready: [(Channel, UInt32)] = []
    var jobs: [UnownedJob] = []
    let executor = asUnownedTaskExecutor()
    thread.store(UInt(pthread_self()), ordering: .relaxed)
    while true {
      let count = epoll_wait(poll, &events, Int32(events.count), prepareSleep())
      let due = state.withLock { state in
        state.sleepingUntil = nil
        for event in events.prefix(Int(max(0, count))) {
          if let channel = state.channels[event.data.u64] { ready.append((channel, event.events)) }
        }
        swap(&jobs, &state.jobs)
        return state.timers.isEmpty ? [] : state.timers.takeDue(upTo: .now)
      }
      for (channel, events) in ready { channel.fired(events) }
      ready.removeAll(keepingCapacity: true)
      for body in due { body() }
      // One round: jobs that these jobs add run after the sockets have been polled again.
      jobs.append(contentsOf: ownJobs)
      ownJobs.removeAll(keepingCapacity: true)
      for job in jobs { job.runSynchronously(on: executor) }
      jobs.removeAll(keepingCapacity: true)
    }
  }

  /// The timeout of epoll_wait in milliseconds; -1 for none. Publishes it, so that an earlier timer wakes the loop.
  private func prepareSleep() -> Int32 {
    guard ownJobs.isEmpty else { return 0 }
    return state.withLock { state in
      guard state.jobs.isEmpty else { return 0 }
      guard let next = state.timers.next else {
        state.sleepingUntil = .now + .seconds(365 * 86_400)
        return -1
      }
      state.sleepingUntil = next
      let wait = ContinuousClock.now.duration(to: next).components
      // Rounded up, because waking too early would mean waking twice.
      return Int32(clamping: max(0, wait.seconds * 1000 + wait.attoseconds / 1_000_000_000_000_000 + 1))
    }
  }
}
