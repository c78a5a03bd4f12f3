import DomainTestSupport
import Foundation
import HTTPTestSupport
import PostgreSQL
import Synchronization
import Testing
import TestSupport
import VerdictCore

/// Erasure of a tenant under concurrent writes leaves nothing behind. `StatementTests` erases one with rows in every table.
@Suite struct ErasureTests {
  /// Writers whose keys and datasets are cached, and open streams, continue after the erasure begins.
  @Test(.timeLimit(.minutes(10)))
  func erasureUnderConcurrentWritesLeavesNothing() async throws {
    try await TestServer.with { server in
      let client = server.client
      for name in ["d", "e"] {
        try await client.makeDataset(name)
        try await client.addLabels(SmallData.rows(60), name)
        try await client.train(name)
      }
      let written = Mutex(0)
      let isOver = Mutex(false)
      let goOn: @Sendable () -> Bool = { isOver.withLock { !$0 } }
      let count: @Sendable (Answer) async throws -> Void = { answer in
        #expect([200, 201, 202, 401, 403, 404, 409, 429].contains(answer.status), "\(answer)")
        if answer.status < 300 { written.withLock { $0 += 1 } }
        if answer.status == 401 { try await Task.sleep(for: .milliseconds(20)) }
      }
      try await withThrowingTaskGroup(of: Void.self) { group in
        let rows = SmallData.rows(200).map { ["features": $0.features] as JSON }
        let lines = rows.map(\.text).joined(separator: "\n") + "\n"
        for writer in 0..<2 {
          for name in ["d", "e"] {
            group.addTask {
              while goOn() {
                try await count(
                  try await client.send(
                    "POST", "/v1/datasets/\(name)/predictions/batch.ndjson", text: lines,
                    as: "application/x-ndjson")
                )
                try await count(try await client.post("/v1/datasets/\(name)/predictions", rows[0]))
              }
            }
            group.addTask {
              var number = 0
              while goOn() {
                number += 1
                let keyed = (0..<50).map { "\($0),red,\($0 % 2),k\(writer)-\(number)-\($0)" }
                try await count(
                  try await client.send(
                    "POST", "/v1/datasets/\(name)/labels",
                    text: "x,c,label,key\n" + keyed.joined(separator: "\n"),
                    as: "text/csv"))
              }
            }
          }
          group.addTask {
            var number = 0
            while goOn() {
              number += 1
              let once = ["Idempotency-Key": "\(writer)-\(number)"]
              let (kept, key) = ("w\(writer)-\(number)", "k\(writer)-\(number)")
              try await count(
                try await client.post(
                  "/v1/datasets", ["name": .string(kept), "features": SmallData.features], headers: once))
              try await count(try await client.addingLabels(SmallData.rows(3), kept))
              try await count(try await client.post("/v1/datasets/d/training-jobs", [:]))
              try await count(try await client.post("/v1/keys", ["name": .string(key), "role": "admin"]))
            }
          }
        }
        _ = try await eventually { written.withLock { $0 } > 40 ? true : nil }
        try await TenantStore(database: server.domain.database).delete(server.tenant)
        let tables = try await TenantTables(of: server.domain)
        #expect(try await tables.counts(server.tenant).filter { $0.value != 0 } == [:])
        // Requests in progress, and requests with a cached key, leave nothing either.
        try await Task.sleep(for: .seconds(1.5))
        isOver.withLock { $0 = true }
        try await group.waitForAll()
        #expect(try await tables.counts(server.tenant).filter { $0.value != 0 } == [:])
      }
      _ = try await eventually { try await client.get("/v1/datasets").status == 401 ? true : nil }
    }
  }
}

extension HTTPClient {
  fileprivate func addingLabels(_ rows: [SmallData.Row], _ name: String) async throws -> Answer {
    try await post("/v1/datasets/\(name)/labels", SmallData.batch(rows))
  }
}
