internal import CLibPQ
internal import Glibc

/// One socket's registration with its event loop. Used on the loop alone.
///
/// The registration stays between waits (no system call per statement); a socket that becomes readable when
/// nobody wants to read is taken out until somebody does.
final class Channel {
  private let loop: EventLoop
  private var token: UInt64 = 0
  private var socket: Int32 = -1
  /// What epoll currently watches for; nil when the socket is not registered.
  private var watched: Readiness?
  /// Called with what the socket is ready for. Returns false if nobody wanted to know.
  private let handler: (Readiness) -> Bool

  init(loop: EventLoop, handler: @escaping (Readiness) -> Bool) {
    self.loop = loop
    self.handler = handler
    token = loop.add(self)
  }

  /// Watches a socket for at least this. Returns false if the kernel refuses.
  func watch(_ socket: Int32, for interest: Readiness) -> Bool {
    if socket != self.socket { unwatch() }
    self.socket = socket
    if watched == interest { return true }
    // Reading stays on; an unneeded interest in writing would fire all the time.
    let operation = watched == nil ? EPOLL_CTL_ADD : EPOLL_CTL_MOD
    watched = interest
    var events: UInt32 = 0
    if interest.contains(.read) { events |= EPOLLIN.rawValue | EPOLLRDHUP.rawValue }
    if interest.contains(.write) { events |= EPOLLOUT.rawValue }
    return loop.control(operation, socket, events, token)
  }

  /// Stops watching: before libpq may close the socket, and while nobody wants to read.
  func unwatch() {
    guard watched != nil else { return }
    watched = nil
    _ = loop.control(EPOLL_CTL_DEL, socket, 0, token)
  }

  /// Ends the registration.
  func close() {
    unwatch()
    loop.remove(token)
  }

  func fired(_ events: UInt32) {
    var ready: Readiness = []
    let failed = events & (EPOLLERR.rawValue | EPOLLHUP.rawValue | EPOLLRDHUP.rawValue) != 0
    if failed || events & EPOLLIN.rawValue != 0 { ready.insert(.read) }
    if failed || events & EPOLLOUT.rawValue != 0 { ready.insert(.write) }
    if !handler(ready) { unwatch() }
  }
}
