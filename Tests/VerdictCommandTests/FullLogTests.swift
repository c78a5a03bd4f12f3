import Foundation
import HTTPTestSupport
import Testing
import TestSupport

/// Tests of a full disk under PostgreSQL's write-ahead log: PostgreSQL stops, and starts again when there is space.
@Suite(.serialized) struct FullLogTests {
  private let path = "/v1/datasets/d/predictions"
  private let row: JSON = ["features": SmallData.rows(1)[0].features]

  @Test(
    .timeLimit(.minutes(10)),
    .enabled(
      if: SmallDisk.isPossible, "mounting a small file system needs the right to (root, CAP_SYS_ADMIN)"))
  func `unstored predictions continue without the database`() async throws {
    try await TestInstallation.with { installation in
      // The first start creates the database. Its log then moves to a disk of its own.
      let first = try await installation.serve()
      let key = try await installation.tenant()
      #expect(try await first.terminate() == .exited(0))
      let disk = try SmallDisk(under: "\(installation.dataDirectory)/postgresql/data/pg_wal", megabytes: 64)
      try await withCleanup {
        if let postmaster = installation.postmaster { await Processes.end(postmaster) }
        disk.unmount()
      } _: {
        try await fillAndFree(disk, installation, key)
      }
    }
  }

  private func fillAndFree(_ disk: SmallDisk, _ installation: TestInstallation, _ key: String) async throws {
    let server = try await installation.serve()
    let client = try server.client(key: key)
    let made = try await client.post("/v1/keys", ["name": "k", "role": "predict"])
    let unknown = client.with(key: made.json["secret"].string)
    try await client.makeDataset()
    try await client.makeDataset("unused")
    try await client.addLabels(SmallData.rows(60))
    try await client.train()
    // Data that the server reads before its connection for notifications is up do not outlive the database. A key is looked up
    // again after a second.
    try await Task.sleep(for: .seconds(3))
    #expect(try await client.post(path + "?store=false", row).status == 200)
    try disk.fill(leaving: 0)
    // Fills the rest of the log.
    var stored = 60
    var refusal: Answer?
    for number in 1...400 where refusal == nil {
      let answer = try await Batches.post(number, rows: 5_000, client)
      if answer.status == 201 { stored += 5_000 } else { refusal = answer }
    }
    let answer = try #require(refusal, "400 batches went into a full log")
    #expect(answer.status == 503 && answer.problem == "database-unavailable", "\(answer)")
    // These predictions come from memory, except at the moments when PostgreSQL fails: a connection that a stopping server has
    // accepted tells nothing about the server.
    _ = try await eventually { try await client.post(path + "?store=false", row).status == 200 ? true : nil }
    var failures: [Answer] = []
    for _ in 0..<8 {
      try await Task.sleep(for: .milliseconds(500))
      let answer = try await client.post(path + "?store=false", row)
      let stream = try await client.send(
        "POST", path + "/batch.ndjson?store=false", text: row.text + "\n", as: "application/x-ndjson")
      failures += [answer, stream].filter { $0.status != 200 }
    }
    #expect(failures.count <= 2, "\(failures)")
    let refused = [
      try await client.post(path, row), try await client.get("/v1/datasets"),
      try await client.post("/v1/datasets/d/labels", SmallData.batch(SmallData.rows(1))),
      // Neither the key nor the dataset is cached.
      try await unknown.post(path + "?store=false", row),
      try await client.post("/v1/datasets/unused/predictions?store=false", row),
      try await client.get("/readyz"),
    ]
    for answer in refused {
      #expect(answer.status == 503 && answer.problem == "database-unavailable", "\(answer)")
      #expect(answer.headers["retry-after"] != nil)
    }
    // An invalid key is refused in every state of the database.
    #expect(try await client.with(key: "nonsense").post(path + "?store=false", row).status == 401)

    try disk.free()
    #expect(try await client.whenAvailable { try await client.labelsStored() } == stored)
    let again = try await eventually {
      let answer = try await Batches.post(999, rows: 100, client)
      return answer.status == 503 ? nil : answer
    }
    #expect(again.status == 201, "\(again)")
    #expect(try await client.post(path, row).status == 201)
    #expect(try await client.train()["state"].string == "succeeded")
    // A closed gate takes effect again.
    let gate: JSON = ["gate": ["metric": "accuracy", "minimum": 1]]
    #expect(try await client.patch("/v1/datasets/d", gate).status == 200)
    #expect(try await client.post(path + "?store=false", row).status == 409)
    #expect(try await server.terminate() == .exited(0), "\(server.log.suffix(2_000))")
  }
}
