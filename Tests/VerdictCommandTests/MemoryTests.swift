import Foundation
import HTTPTestSupport
import PostgreSQL
import TestSupport
import Testing

/// Tests that the server's memory does not depend on the size of uploads and exports, nor on which side is slower.
@Suite(.serialized) struct MemoryTests {
  /// The megabytes of a stream: several times those of a batch in flight, one being read and the allocator's reserve. Their sum
  /// depends on the load of the machine, and stays below half of a stream.
  private static let stream = 200
  private static let allowance = Double(stream) / 2

  @Test(.timeLimit(.minutes(10)))
  func `memory does not grow with a stream`() async throws {
    try await TestInstallation.with { installation in
      let server = try await installation.serve()
      let client = try server.client(key: await installation.tenant())
      try await client.makeDataset()
      // Warm-up, so that one-time allocations happen before the measurement.
      #expect(try await Self.upload(20, client).status == 201)
      let before = server.megabytes(.now)
      server.resetPeak()
      #expect(try await Self.upload(Self.stream, client).status == 201)
      #expect(server.megabytes(.peak) - before < Self.allowance, "upload")
      #expect(try await client.labelsStored() == (20 + Self.stream) * Self.rowsOfAMegabyte)

      // A client that reads nothing.
      server.resetPeak()
      let stalled = try StalledReader(port: try #require(server.port), key: client.key ?? "")
      try await eventually { stalled.hasBytes }
      try await Task.sleep(for: .seconds(2))
      #expect(server.megabytes(.peak) - before < Self.allowance, "export to a stalled reader")
      stalled.close()
      #expect(try await client.get("/healthz").status == 200)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `an upload waits for the database`() async throws {
    try await TestCluster.with { try await Self.uploadIntoALockedTable($0) }
  }

  private static func uploadIntoALockedTable(_ cluster: TestCluster) async throws {
    try await TestInstallation.with(database: cluster.url()) { installation in
      #expect(try await installation.run("migrate").status == .exited(0))
      let key = try await installation.tenant()
      let server = try await installation.serve()
      let client = try server.client(key: key)
      try await client.makeDataset()
      #expect(try await upload(20, client).status == 201)
      let before = server.megabytes(.now)
      server.resetPeak()

      let posting = try await holding("labels", of: cluster.configuration) {
        let posting = Task { try await upload(stream, client) }
        try await cluster.configuration.waitForLock()
        try await Task.sleep(for: .seconds(2))
        #expect(server.megabytes(.peak) - before < allowance, "upload into a locked table")
        return posting
      }
      #expect(try await posting.value.status == 201)
      #expect(server.megabytes(.peak) - before < allowance, "upload")
      #expect(try await client.labelsStored() == (20 + stream) * rowsOfAMegabyte)
    }
  }

  private static let rowsOfAMegabyte = 1_000

  /// Posts megabytes of NDJSON in rows of about 1,000 bytes, which are generated while they are sent.
  private static func upload(_ megabytes: Int, _ client: HTTPClient) async throws -> Answer {
    let name = String(repeating: "long ", count: 190)
    let line = "{\"features\":{\"x\":1.5,\"c\":\"\(name)\"},\"label\":1}\n"
    let chunk = Array(String(repeating: line, count: rowsOfAMegabyte / 10).utf8)
    let left = Countdown(megabytes * 10)
    return try await client.send(
      "POST", "/v1/datasets/d/labels", headers: ["Content-Type": "application/x-ndjson"],
      body: .chunks(AsyncStream { await left.next() ? chunk : nil }))
  }
}

private actor Countdown {
  private var left: Int
  init(_ count: Int) { left = count }
  func next() -> Bool {
    left -= 1
    return left >= 0
  }
}

/// Requests an export and reads nothing of it.
private struct StalledReader {
  private let socket: Int32

  init(port: Int, key: String) throws {
    socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let length = socklen_t(MemoryLayout<sockaddr_in>.size)
    // The call takes the generic address, whose layout sockaddr_in begins with.
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, length) }
    }
    guard connected == 0 else { throw TestInstallation.Unexpected(description: "connect: \(errno)") }
    let request = Array(
      "GET /v1/datasets/d/labels.ndjson HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(key)\r\n\r\n"
        .utf8)
    guard send(socket, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
      throw TestInstallation.Unexpected(description: "send: \(errno)")
    }
  }

  /// True once the answer has begun to arrive.
  var hasBytes: Bool {
    var byte: UInt8 = 0
    return recv(socket, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) > 0
  }

  func close() { Foundation.close(socket) }
}

extension ServerProcess {
  /// The current resident memory, or its maximum since ``resetPeak()`` (proc(5), status).
  enum Memory: String {
    case now = "VmRSS:"
    case peak = "VmHWM:"
  }

  /// The process's resident memory in megabytes.
  func megabytes(_ memory: Memory) -> Double {
    let status = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix(memory.rawValue) } ?? ""
    return (line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) } ?? .nan)
      / 1_024
  }

  /// Resets the peak (proc(5), clear_refs).
  func resetPeak() {
    guard let file = FileHandle(forWritingAtPath: "/proc/\(pid)/clear_refs") else { return }
    try? file.write(contentsOf: Data("5".utf8))
    try? file.close()
  }
}
