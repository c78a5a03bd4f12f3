import DomainTestSupport
import Foundation
import HTTPTestSupport
import PostgreSQL
import Synchronization
import TestSupport
import Testing

/// A database whose connections stop responding: requests fail in bounded time.
@Suite struct SilentDatabaseTests {
  /// Without notifications each prediction has to query the gate, and the database does not answer.
  @Test(.timeLimit(.minutes(10)))
  func waitingForTheGateIsBounded() async throws {
    try await TestServer.with { server in
      _ = try await server.predicted(1)
      let proxy = try FaultProxy(to: server.domain.app)
      defer { proxy.close() }
      var nowhere = server.domain.admin
      nowhere.parameters["dbname"] = "postgres"
      let deaf = nowhere
      try await server.domain.connected(by: proxy.configuration(server.domain.app)) { silent in
        try await server.withAnother(listening: deaf, database: silent) { other in
          let body: JSON = ["features": ["x": 1, "c": "red"]]
          let path = "/v1/datasets/d/predictions?store=false"
          #expect(try await other.post(path, body).status == 200)
          proxy.plan.withLock { $0.isStalled = true }
          let answer = try await other.post(path, body)
          #expect(answer.status == 503 && answer.problem == "database-unavailable", "\(answer)")
          #expect(answer.headers["retry-after"] != nil)
          proxy.plan.withLock { $0.isStalled = false }
          // The failed request has no lasting effect.
          _ = try await eventually { try await other.post(path, body).status == 200 ? true : nil }
        }
      }
    }
  }

  /// The connection stops responding during a group commit: its requests fail in bounded time, and so do later ones.
  @Test(.timeLimit(.minutes(10)))
  func waitingForACommitIsBounded() async throws {
    try await TestServer.with { server in
      _ = try await server.predicted(1)
      let proxy = try FaultProxy(to: server.domain.app)
      defer { proxy.close() }
      try await server.domain.connected(by: proxy.configuration(server.domain.app)) { silent in
        try await server.withAnother(database: silent) { other in
          let body: JSON = ["features": ["x": 1, "c": "red"]]
          let path = "/v1/datasets/d/predictions"
          #expect(try await other.post(path, body).status == 201)
          proxy.stallOpenConnections()
          let answer = try await other.post(path, body)
          #expect(answer.status == 503 && answer.problem == "database-unavailable", "\(answer)")
          _ = try await eventually { try await other.post(path, body).status == 201 ? true : nil }
        }
      }
    }
  }
}
