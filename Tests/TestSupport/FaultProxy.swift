import Foundation
public import PostgreSQL
public import Synchronization

/// A proxy between client and server on Unix sockets that injects network faults: it cuts connections, forwards in
/// small pieces, or stops forwarding.
public final class FaultProxy: Sendable {
  /// The faults of the connections that are made from now on.
  public struct Plan: Sendable {
    /// Bytes of the server that get through before both sides are cut off.
    public var cutAfterServerBytes = Int.max
    /// Bytes of the client that get through before both sides are cut off.
    public var cutAfterClientBytes = Int.max
    /// The largest piece that is passed on at once.
    public var pieces = 65_536
    /// Forwards nothing, on all connections, but keeps the sockets open.
    public var isStalled = false
    /// Closes new connections at once.
    public var isRefusing = false
    /// Bytes of the server that get through before it falls silent, its sockets open.
    public var stallAfterServerBytes = Int.max
    /// Records the bytes of the next connection, for ``boundaries()``.
    public var isRecorded = false

    /// Forwards everything, or stops after this number of the server's bytes.
    public init(stallAfterServerBytes: Int = .max) { self.stallAfterServerBytes = stallAfterServerBytes }
  }

  private struct Connections {
    /// How many have been accepted.
    var made = 0
    /// How many have been refused.
    var refused = 0
    /// Connections up to this number are stalled.
    var stalled = 0
    /// The clients' sockets that are open.
    var clients: Set<Int32> = []
  }

  /// The present faults.
  public let plan = Mutex(Plan())
  private let connections = Mutex(Connections())
  private let recorded = Mutex<(server: [UInt8], client: [UInt8])>(([], []))
  private let listener: Int32
  private let upstream: String
  private let directory: String

  /// A proxy in front of the server that `configuration` names; it ends with ``close()``.
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

  /// The offsets in bytes at which the recorded connection's messages begin and end, and one inside each message's
  /// header: of the server and of the client.
  public func boundaries() -> (server: [Int], client: [Int]) {
    recorded.withLock {
      (Self.boundaries(of: $0.server, hasStartup: false), Self.boundaries(of: $0.client, hasStartup: true))
    }
  }

  /// A message is a letter and a length that counts itself; the client's first one has no letter (manual, 55.7).
  private static func boundaries(of bytes: [UInt8], hasStartup: Bool) -> [Int] {
    var (places, position) = ([0], 0)
    while true {
      let head = hasStartup && position == 0 ? 0 : 1
      guard position + head + 4 <= bytes.count else { return places }
      let length = bytes[position + head..<position + head + 4].reduce(0) { $0 << 8 | Int($1) }
      places.append(position + 3)
      position += head + length
      places.append(position)
    }
  }

  /// Stalls the connections that are open, as a broken route does; new ones are forwarded.
  public func stallOpenConnections() { connections.withLock { $0.stalled = $0.made } }

  /// The number of connections that were refused.
  public var refusals: Int { connections.withLock(\.refused) }

  /// Cuts the connections that are open.
  public func cutOpenConnections() {
    connections.withLock { for client in $0.clients { shutdown(client, Int32(SHUT_RDWR)) } }
  }

  /// Accepts no more connections.
  public func close() {
    shutdown(listener, Int32(SHUT_RDWR))
    Foundation.close(listener)
    try? FileManager.default.removeItem(atPath: directory)
  }

  private func serve(_ client: Int32) {
    let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    let current = plan.withLock { plan in
      defer { plan.isRecorded = false }
      return plan
    }
    if current.isRefusing { connections.withLock { $0.refused += 1 } }
    guard !current.isRefusing, withAddress(upstream, { connect(server, $0, $1) }) == 0 else {
      Foundation.close(client)
      Foundation.close(server)
      return
    }
    let number = connections.withLock { connections in
      connections.made += 1
      connections.clients.insert(client)
      return connections.made
    }
    let directions = OpenDirections()
    for (source, sink) in [(server, client), (client, server)] {
      Thread.detachNewThread { [self] in
        pass(from: source, to: sink, current, number, isServer: source == server)
        end(client, server, directions)
      }
    }
  }

  /// The last of the two directions closes the sockets. The lock keeps ``cutOpenConnections()`` from a number that
  /// belongs to another file by then.
  private func end(_ client: Int32, _ server: Int32, _ directions: OpenDirections) {
    shutdown(client, Int32(SHUT_RDWR))
    shutdown(server, Int32(SHUT_RDWR))
    guard directions.count.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 else { return }
    connections.withLock { connections in
      connections.clients.remove(client)
      Foundation.close(client)
      Foundation.close(server)
    }
  }

  private final class OpenDirections: Sendable {
    let count = Atomic<Int>(2)
  }

  /// True until the other side has hung up.
  private func poll(_ socket: Int32) -> Bool {
    // 0x2000: POLLRDHUP, which Glibc's module hides.
    var entry = pollfd(fd: socket, events: 0x2000, revents: 0)
    return Foundation.poll(&entry, 1, 0) == 0
  }

  private func pass(from source: Int32, to sink: Int32, _ plan: Plan, _ number: Int, isServer: Bool) {
    let cut = isServer ? plan.cutAfterServerBytes : plan.cutAfterClientBytes
    let limit = isServer ? min(cut, plan.stallAfterServerBytes) : cut
    var buffer = [UInt8](repeating: 0, count: plan.pieces)
    var passed = 0
    while passed < limit {
      let count = recv(source, &buffer, min(plan.pieces, limit - passed), 0)
      if count <= 0 { return }
      while self.plan.withLock(\.isStalled) { usleep(5000) }
      while connections.withLock({ number <= $0.stalled }) {
        guard poll(source), poll(sink) else { return }
        usleep(5000)
      }
      if plan.isRecorded {
        recorded.withLock { recorded in
          if isServer { recorded.server += buffer[..<count] } else { recorded.client += buffer[..<count] }
        }
      }
      if send(sink, buffer, count, Int32(MSG_NOSIGNAL)) != count { return }
      passed += count
    }
    // Nothing more until the client hangs up.
    if limit < cut { while poll(sink) { usleep(5000) } }
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
