import DomainTestSupport
import Foundation
import HTTPTestSupport
import PostgreSQL
import Synchronization
import Testing
import TestSupport
import VerdictCore

/// Propagation of changes between servers, with and without notifications.
@Suite struct ChangePropagationTests {
  private static let unstored = "/v1/datasets/d/predictions?store=false"
  private static let body: JSON = ["features": ["x": 1, "c": "red"]]
  private static let closed: JSON = ["gate": ["metric": "roc_auc", "minimum": 0.9999]]
  private static let open: JSON = ["gate": .null]

  @Test(.timeLimit(.minutes(10)))
  func newModelsAndGatesReachTheOtherServer() async throws {
    try await TestServer.with { server in
      _ = try await server.predicted(1)
      try await server.withAnother { other in
        #expect(try await other.post(Self.unstored, Self.body).json["model_version"] == 1)
        try await server.client.train()
        // Stored predictions are checked against the database and are right at once. Unstored ones follow the notification,
        // for which the request for a change waits, and a training does not.
        #expect(try await other.post("/v1/datasets/d/predictions", Self.body).json["model_version"] == 2)
        for round in 0..<20 {
          let version = round % 2 + 1
          _ = try await server.client.put(
            "/v1/datasets/d/models/active", ["version": .number(Double(version))])
          #expect(
            try await other.post("/v1/datasets/d/predictions", Self.body).json["model_version"].int == version
          )
        }
        for _ in 0..<20 {
          _ = try await server.client.patch("/v1/datasets/d", Self.closed)
          #expect(try await other.post("/v1/datasets/d/predictions", Self.body).status == 409)
          _ = try await server.client.patch("/v1/datasets/d", Self.open)
          #expect(try await server.client.post("/v1/datasets/d/predictions", Self.body).status == 201)
        }
        try await Self.expectFresh(server, other)
      }
    }
  }

  /// A change is answered only after a delayed notification has reached the other server.
  @Test(.timeLimit(.minutes(10)))
  func changesAreAnsweredAfterAllServersReceivedThem() async throws {
    try await Self.withTwoServers { server, other, proxy in
      // Until the other server listens, it queries the database each time and changes do not wait for it.
      try await eventually { try await DatasetChanges.listeners(in: server.domain.database).count == 2 }
      // A change waits two seconds for a silent server. A round proves nothing if the machine was too busy to end the silence
      // earlier.
      try await eventually {
        let start = ContinuousClock.now
        proxy.plan.withLock { $0.isStalled = true }
        let released = Counter()
        let isAnsweredAfterwards = try await withThrowingTaskGroup(of: Bool.self) { group in
          group.addTask {
            _ = try await server.client.patch("/v1/datasets/d", Self.closed)
            return released.value == 1
          }
          // The change is committed, and its notification is on the way.
          try await eventually {
            try await server.domain.datasets.dataset(server.tenant, named: "d").settings.gate != nil
          }
          try await Task.sleep(for: .milliseconds(200))
          released.add()
          proxy.plan.withLock { $0.isStalled = false }
          return try await group.next()
        }
        #expect(try await other.post(Self.unstored, Self.body).status == 409)
        if isAnsweredAfterwards == true { return true }
        if ContinuousClock.now - start < .milliseconds(1_500) {
          Issue.record("the change was answered before the other server knew")
          return true
        }
        _ = try await server.client.patch("/v1/datasets/d", Self.open)
        return false
      }
    }
  }

  /// While the connection for notifications is down, every request queries the database.
  @Test(.timeLimit(.minutes(10)))
  func nothingStaleIsAnsweredWithoutNotifications() async throws {
    try await Self.withTwoServers { server, other, proxy in
      proxy.plan.withLock { $0.isRefusing = true }
      proxy.cutOpenConnections()
      // The cache may be used until the server notices the loss. It then tries to connect again.
      try await eventually { proxy.refusals > 1 }
      try await Self.expectFresh(server, other)
      // Notifications arrive again after some time.
      proxy.plan.withLock { $0.isRefusing = false }
      for (policy, status) in [(Self.closed, 409), (Self.open, 200)] {
        _ = try await server.client.patch("/v1/datasets/d", policy)
        try await eventually { try await other.post(Self.unstored, Self.body).status == status }
      }
    }
  }

  /// The connection stays open and nothing passes, as with a pulled cable.
  @Test(.timeLimit(.minutes(10)))
  func silentConnectionsAreNotTrustedForLong() async throws {
    try await Self.withTwoServers { server, other, proxy in
      proxy.plan.withLock { $0.isStalled = true }
      try await Task.sleep(for: .milliseconds(2_500))
      // Each change waits until the other server no longer trusts its cache.
      try await Self.expectFresh(server, other, rounds: 2)
      proxy.plan.withLock { $0.isStalled = false }
      proxy.cutOpenConnections()
    }
  }

  /// LISTEN succeeds and no notification arrives, as behind a pooler in transaction mode. The test listens in another database,
  /// which has separate notifications.
  @Test(.timeLimit(.minutes(10)))
  func listenersWithoutNotificationsAreNotTrusted() async throws {
    try await TestServer.with { server in
      _ = try await server.predicted(1)
      var elsewhere = server.domain.admin
      elsewhere.parameters["dbname"] = "postgres"
      try await server.withAnother(listening: elsewhere) { other in
        for _ in 0..<3 {
          try await Self.expectFresh(server, other)
          try await Task.sleep(for: .milliseconds(400))
        }
      }
    }
  }

  /// Runs the closure with two servers on one database. The second one listens through a proxy and has the dataset in its cache.
  private static func withTwoServers(
    _ body: @Sendable @escaping (TestServer, HTTPClient, FaultProxy) async throws -> Void
  ) async throws {
    try await TestServer.with { server in
      _ = try await server.predicted(1)
      let proxy = try FaultProxy(to: server.domain.app)
      defer { proxy.close() }
      try await server.withAnother(listening: proxy.configuration(server.domain.app)) { other in
        #expect(try await other.post(unstored, Self.body).status == 200)
        try await body(server, other, proxy)
      }
    }
  }

  /// Expects that the next unstored prediction of one server reflects each change that the other makes.
  private static func expectFresh(
    _ server: TestServer, _ other: HTTPClient, rounds: Int = 10
  ) async throws {
    for _ in 0..<rounds {
      _ = try await server.client.patch("/v1/datasets/d", closed)
      #expect(try await other.post(unstored, body).status == 409)
      _ = try await server.client.patch("/v1/datasets/d", open)
      #expect(try await other.post(unstored, body).status == 200)
    }
  }
}
