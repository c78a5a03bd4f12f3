import Foundation
import PostgreSQL
import Synchronization

/// A proxy between a listener and PostgreSQL on Unix sockets that can cut or stall connections.
final class ListenerProxy: Sendable {
  private struct State {
    var sockets: Set<Int32> = []
    var isRefusing = false
    var isStalled = false
  }

  private let state = Mutex(State())
  private let listener: Int32
  private let upstream: String
  private let directory: String

  /// Starts a proxy in front of the server of `configuration`; ``close()`` stops it.
  init(to configuration: ConnectionConfiguration) throws {
    upstream = "\(configuration.parameters["host"] ?? "")/.s.PGSQL.5432"
    directory = "/tmp/pgproxy-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    let code = withAddress("\(directory)/.s.PGSQL.5432") { bind(listener, $0, $1) }
    guard code == 0, listen(listener, 100) == 0 else { throw CocoaError(.fileWriteUnknown) }
    Thread.detachNewThread { [self] in
      while true {
        let client = accept(listener, nil, nil)
        if client < 0 { return }
        serve(client)
      }
    }
  }

  /// The configuration that connects through the proxy.
  func configuration(_ direct: ConnectionConfiguration) -> ConnectionConfiguration {
    var configuration = direct
    configuration.parameters["host"] = directory
    return configuration
  }

  /// Cuts all connections; with `refusing`, new ones are cut at once, too.
  func cut(refusing: Bool) {
    let sockets = state.withLock { state in
      state.isRefusing = refusing
      return state.sockets
    }
    for socket in sockets { shutdown(socket, Int32(SHUT_RDWR)) }
  }

  /// Stops or resumes the forwarding on open connections.
  func stall(_ isStalled: Bool) {
    state.withLock { $0.isStalled = isStalled }
  }

  /// Stops accepting connections.
  func close() {
    shutdown(listener, Int32(SHUT_RDWR))
    Foundation.close(listener)
    try? FileManager.default.removeItem(atPath: directory)
  }

  private func serve(_ client: Int32) {
    let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    let isTaken = state.withLock { state in
      if !state.isRefusing { state.sockets.insert(client) }
      return !state.isRefusing
    }
    guard isTaken, withAddress(upstream, { connect(server, $0, $1) }) == 0 else {
      _ = state.withLock { $0.sockets.remove(client) }
      Foundation.close(client)
      Foundation.close(server)
      return
    }
    let left = Left()
    for (source, sink) in [(server, client), (client, server)] {
      Thread.detachNewThread { [self] in
        pass(from: source, to: sink)
        shutdown(client, Int32(SHUT_RDWR))
        shutdown(server, Int32(SHUT_RDWR))
        // The direction that ends last closes the sockets.
        guard left.count.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 else { return }
        _ = state.withLock { $0.sockets.remove(client) }
        Foundation.close(client)
        Foundation.close(server)
      }
    }
  }

  private final class Left: Sendable {
    let count = Atomic<Int>(2)
  }

  private func pass(from source: Int32, to sink: Int32) {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(source, &buffer, buffer.count, 0)
      if count <= 0 { return }
      while state.withLock(\.isStalled) { usleep(5_000) }
      if send(sink, buffer, count, Int32(MSG_NOSIGNAL)) != count { return }
    }
  }
}

private func withAddress<T>(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> T) -> T {
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
  return withUnsafePointer(to: address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
    }
  }
}
