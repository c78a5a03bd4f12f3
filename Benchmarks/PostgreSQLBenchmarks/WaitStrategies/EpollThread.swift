import CLibPQ
import Foundation
import Synchronization

/// A minimal event loop: a thread with edge-triggered epoll that resumes waiting tasks, and a task executor, so that tasks can
/// run on the thread itself. Lives as long as the process.
final class EpollThread: TaskExecutor {
  /// The waiter of one socket. An edge without a waiter is kept.
  final class Slot: Sendable {
    private let state = Mutex<(waiter: UnsafeContinuation<Void, Never>?, isPending: Bool)>((nil, false))

    func wait() async {
      await withUnsafeContinuation { continuation in
        let isReady = state.withLock { state in
          defer { state.isPending = false }
          if !state.isPending { state.waiter = continuation }
          return state.isPending
        }
        if isReady { continuation.resume() }
      }
    }

    func fire() {
      let waiter = state.withLock { state in
        defer { state.waiter = nil }
        if state.waiter == nil { state.isPending = true }
        return state.waiter
      }
      waiter?.resume()
    }
  }

  private let poll = epoll_create1(0)
  private let wakeUp = eventfd(0, Int32(EFD_NONBLOCK))
  private let slots: [Slot]
  private let owner = Atomic<UInt>(0)
  private let jobs = Mutex<[UnownedJob]>([])

  init(_ connections: [RawConnection]) {
    slots = connections.map { _ in Slot() }
    watch(wakeUp, UInt64.max)
    for (index, connection) in connections.enumerated() { watch(connection.socket, UInt64(index)) }
  }

  func start() { Thread.detachNewThread { self.run() } }

  func wait(_ index: Int) async { await slots[index].wait() }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    jobs.withLock { $0.append(job) }
    if owner.load(ordering: .relaxed) == UInt(pthread_self()) { return }
    var one: UInt64 = 1
    write(wakeUp, &one, 8)
  }

  private func watch(_ descriptor: Int32, _ token: UInt64) {
    var event = epoll_event(events: EPOLLIN.rawValue | EPOLLET.rawValue, data: epoll_data_t(u64: token))
    epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event)
  }

  private func run() {
    owner.store(UInt(pthread_self()), ordering: .relaxed)
    var events = [epoll_event](repeating: epoll_event(), count: 64)
    var ready: [UnownedJob] = []
    while true {
      let count = epoll_wait(poll, &events, 64, jobs.withLock { $0.isEmpty } ? -1 : 0)
      for event in events.prefix(Int(max(0, count))) where event.data.u64 != UInt64.max {
        slots[Int(event.data.u64)].fire()
      }
      jobs.withLock { swap(&ready, &$0) }
      for job in ready { job.runSynchronously(on: asUnownedTaskExecutor()) }
      ready.removeAll(keepingCapacity: true)
    }
  }
}
