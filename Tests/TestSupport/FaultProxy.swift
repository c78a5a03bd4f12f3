import Foundation
public import PostgreSQL
public import Synchronization

/// Stands between client and server on Unix sockets and spoils the conversation: cuts it after a number of bytes,
/// passes it on in small pieces, or stops passing anything on.
public final class FaultProxy: Sendable {
  /// What is done to connections that are made from now on.
  public struct Plan: Sendable {
    /// Bytes of the server that get through before both sides are cut off.
    public var cutAfterServerBytes = Int.max
    /// Bytes of the client that get through before both sides are cut off.
    public var cutAfterClientBytes = Int.max
    /// The largest piece that is passed on at once.
    public var pieces = 65_536
    /// Passes nothing on any more, but keeps the sockets open.
    public var isStalled = false
  }

  /// What is done to connections.
  public let plan = Mutex(Plan())
  /// Bytes that the server has sent over all connections.
  public let serverBytes = Atomic<Int>(0)
  private let listener: Int32
  private let upstream: String
  private let directory: String

  /// A proxy in front of the server that `configuration` names; it ends with `close()`.
  public init(to configuration: ConnectionConfiguration) throws {
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

  /// The server behind the proxy.
  public func configuration(_ direct: ConnectionConfiguration) -> ConnectionConfiguration {
    var configuration = direct
    configuration.parameters["host"] = directory
    return configuration
  }

  /// Takes no more connections.
  public func close() {
    shutdown(listener, Int32(SHUT_RDWR))
    Foundation.close(listener)
    try? FileManager.default.removeItem(atPath: directory)
  }

  /// Cuts all connections; new ones are taken, and are cut at once as long as `refusing`.
  public func cut(refusing: Bool) {
    let sockets = open.withLock { open in
      open.isRefusing = refusing
      return open.sockets
    }
    for socket in sockets { shutdown(socket, Int32(SHUT_RDWR)) }
  }

  private struct Open {
    var sockets: Set<Int32> = []
    var isRefusing = false
  }

  private let open = Mutex(Open())

  private func serve(_ client: Int32) {
    let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    let isRefused = open.withLock { open in
      if !open.isRefusing { open.sockets.insert(client) }
      return open.isRefusing
    }
    guard !isRefused, withAddress(upstream, { connect(server, $0, $1) }) == 0 else {
      _ = open.withLock { $0.sockets.remove(client) }
      Foundation.close(client)
      Foundation.close(server)
      return
    }
    let current = plan.withLock { $0 }
    let left = Atomic2()
    Thread.detachNewThread { [self] in
      pass(from: server, to: client, current.cutAfterServerBytes, current.pieces, counts: true)
      end(client, server, left)
    }
    Thread.detachNewThread { [self] in
      pass(from: client, to: server, current.cutAfterClientBytes, current.pieces, counts: false)
      end(client, server, left)
    }
  }

  /// The last of the two directions closes the sockets.
  private func end(_ client: Int32, _ server: Int32, _ left: Atomic2) {
    shutdown(client, Int32(SHUT_RDWR))
    shutdown(server, Int32(SHUT_RDWR))
    if left.count.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
      _ = open.withLock { $0.sockets.remove(client) }
      Foundation.close(client)
      Foundation.close(server)
    }
  }

  private final class Atomic2: Sendable {
    let count = Atomic<Int>(2)
  }

  private func pass(from source: Int32, to sink: Int32, _ limit: Int, _ piece: Int, counts: Bool) {
    var buffer = [UInt8](repeating: 0, count: piece)
    var passed = 0
    while passed < limit {
      let count = recv(source, &buffer, min(piece, limit - passed), 0)
      if count <= 0 { return }
      while plan.withLock(\.isStalled) { usleep(5000) }
      if send(sink, buffer, count, Int32(MSG_NOSIGNAL)) != count { return }
      passed += count
      if counts { serverBytes.wrappingAdd(count, ordering: .relaxed) }
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
