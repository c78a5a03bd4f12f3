import DomainTestSupport
import HTTPTestSupport
import NIOCore
import PostgreSQL
import Synchronization
import Testing
import TestSupport
import VerdictCore
import VerdictServer

/// Slow clients do not block other requests.
@Suite struct SlowStreamTests {
  /// One row and many blank lines.
  private static let piece = Array("1,red,1\n".utf8) + [UInt8](repeating: UInt8(ascii: "\n"), count: 16 << 10)

  /// Uploads that stall after a number of pieces until ``end()`` finishes them.
  private struct Uploads {
    var answers: [Task<Answer, any Error>] = []
    var bodies: [AsyncStream<[UInt8]>.Continuation] = []
    private let refused = Tally()

    mutating func begin(_ client: HTTPClient, pieces: Int) {
      let (body, more) = AsyncStream<[UInt8]>.makeStream()
      more.yield(Array("x,c,label\n".utf8))
      for _ in 0..<pieces { more.yield(SlowStreamTests.piece) }
      bodies.append(more)
      answers.append(
        Task { [refused] in
          let answer = try await client.send(
            "POST", "/v1/datasets/d/labels", headers: ["Content-Type": "text/csv"], body: .chunks(body))
          if answer.status == 503 { refused.add() }
          return answer
        })
    }

    var turnedAway: Int { refused.value }

    func end() async throws -> [Answer] {
      for body in bodies { body.finish() }
      var all: [Answer] = []
      for answer in answers { all.append(try await answer.value) }
      return all
    }
  }

  private func predict(_ server: TestServer) async throws {
    let answer = try await server.client.post("/v1/datasets/d/predictions", ["features": ["x": 1]])
    #expect(answer.status == 201, "\(answer)")
  }

  @Test(.timeLimit(.minutes(10)))
  func slowUploadsBlockNoOthers() async throws {
    var networkLimits = NetworkLimits()
    networkLimits.limits.head = .seconds(120)
    try await TestServer.with(networkLimits: networkLimits) { server in
      _ = try await server.predicted(1)
      var small = Uploads()
      for _ in 0..<40 { small.begin(server.client, pieces: 1) }
      // Small uploads hold no permit.
      for _ in 0..<10 {
        try await predict(server)
        #expect(try await server.permitsTaken() == 0)
      }
      var large = Uploads()
      for _ in 0..<20 { large.begin(server.client, pieces: 100) }
      _ = try await eventually { try await server.permitsTaken() == 4 ? true : nil }
      for _ in 0..<10 { try await predict(server) }
      for answer in try await small.end() { #expect(answer.status == 201, "\(answer)") }
      // Some of the large uploads hold connections, the others are refused with Retry-After.
      _ = try await eventually { large.turnedAway > 0 ? true : nil }
      let answers = try await large.end()
      #expect(Set(answers.map(\.status)).isSubset(of: [201, 503]))
      #expect(answers.filter { $0.status == 201 }.count >= 4)
      for refused in answers where refused.status == 503 {
        #expect(refused.isProblem && refused.problem == "overloaded")
        #expect(refused.headers["retry-after"] == "5")
      }
      _ = try await eventually { try await server.permitsTaken() == 0 ? true : nil }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func unreadExportsBlockNoOthersAndEnd() async throws {
    var networkLimits = NetworkLimits()
    networkLimits.limits.head = .seconds(8)
    try await TestServer.with(networkLimits: networkLimits) { server in
      _ = try await server.predicted(1)
      try await server.fill(rows: 20_000)
      let exports = (0..<20).map { _ in
        Task {
          try await RawConnection.with(server.client, "GET", "/v1/datasets/d/labels.csv") { inbound in
            // Nothing is read until the server closes the connection.
            try await Task.sleep(for: .seconds(600))
            _ = inbound
          }
        }
      }
      _ = try await eventually { try await server.permitsTaken() == 4 ? true : nil }
      for _ in 0..<10 { try await predict(server) }
      // The permits are released although the clients stay connected.
      _ = try await eventually { try await server.permitsTaken() == 0 ? true : nil }
      for export in exports { export.cancel() }
      for export in exports { _ = await export.result }
    }
  }
}

extension TestServer {
  /// The number of permits in use, by the server's metrics.
  func permitsTaken() async throws -> Int {
    let line = try await client.get("/metrics").text.split(separator: "\n").first {
      $0.hasPrefix("verdict_pool_permits_taken ")
    }
    return line.flatMap { Int($0.split(separator: " ")[1]) } ?? -1
  }

  /// Inserts rows of about a kilobyte into the dataset `d` by SQL.
  func fill(rows: Int) async throws {
    try await domain.asOwner { [tenant] connection in
      try await connection.query(
        """
        INSERT INTO labels (tenant_id, dataset_id, label, numbers, categories)
        SELECT d.tenant_id, d.id, true, ARRAY[1.0], ARRAY[repeat('x', 1000)]
        FROM datasets d, generate_series(1, \(rows)) WHERE d.tenant_id = \(tenant.rawValue) AND d.name = 'd'
        """)
    }
  }
}

/// A thread-safe counter.
private final class Tally: Sendable {
  private let count = Mutex(0)
  var value: Int { count.withLock { $0 } }
  func add() { count.withLock { $0 += 1 } }
}
