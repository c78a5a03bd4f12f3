internal import Glibc
internal import Synchronization

/// The process's event loops, given to connections in turn.
///
/// One loop carries several hundred thousand wake-ups a second, so there are few: half the cores, at most four.
enum EventLoops {
  private static let loops: [EventLoop] = {
    let cores = sysconf(Int32(_SC_NPROCESSORS_ONLN))
    return (0..<max(1, min(4, cores / 2))).map { _ in EventLoop() }
  }()
  private static let turn = Atomic<Int>(0)

  /// The loop for the next connection.
  static func next() -> EventLoop {
    loops[turn.wrappingAdd(1, ordering: .relaxed).oldValue % loops.count]
  }

  /// A loop for timers that belong to no connection.
  static var timers: EventLoop { loops[0] }
}
