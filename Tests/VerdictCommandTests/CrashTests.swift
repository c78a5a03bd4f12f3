import Foundation
import HTTPTestSupport
import Testing
import TestSupport

/// Tests of `kill -9` of all processes at any moment: acknowledged writes survive, and other writes are stored
/// completely or not at all.
@Suite(.serialized) struct CrashTests {
  @Test(.timeLimit(.minutes(10)))
  func `acknowledged batches survive`() async throws {
    try await TestInstallation.with { installation in
      var server = try await installation.serve()
      let key = try await installation.tenant()
      try await server.client(key: key).makeDataset()
      var acknowledged: [Int: Int] = [:]
      for round in 0..<5 {
        let rows = 100 + round * 700
        let answer = try await Batches.post(round, rows: rows, server.client(key: key))
        // The processes are killed before the answer is checked.
        try await installation.killEverything(server)
        #expect(answer.status == 201, "\(answer)")
        acknowledged[round] = rows
        server = try await installation.serve()
        let client = try server.client(key: key)
        #expect(try await Batches.stored(client) == acknowledged)
        #expect(try await client.labelsStored() == acknowledged.values.reduce(0, +))
      }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `an incomplete batch is not stored`() async throws {
    try await TestInstallation.with { installation in
      var server = try await installation.serve()
      let key = try await installation.tenant()
      try await server.client(key: key).makeDataset()
      #expect(try await Batches.post(0, rows: 10, server.client(key: key)).status == 201)
      for round in 1...3 {
        let (chunks, send) = AsyncStream<[UInt8]>.makeStream()
        let chunk = Array(Batches.lines(round, rows: 5_000).utf8)
        for _ in 0..<round { send.yield(chunk) }
        let client = try server.client(key: key)
        let upload = Task {
          try await client.send(
            "POST", "/v1/datasets/d/labels", headers: ["Content-Type": "application/x-ndjson"],
            body: .chunks(chunks))
        }
        // Part of the rows are being written to the database, and the body has not ended.
        try await Task.sleep(for: .milliseconds(600))
        try await installation.killEverything(server)
        send.finish()
        let answer = try? await upload.value
        #expect(answer == nil, "answered before the end of the body: \(String(describing: answer))")
        server = try await installation.serve()
        #expect(try await Batches.stored(server.client(key: key)) == [0: 10])
        #expect(try await server.client(key: key).labelsStored() == 10)
      }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `concurrent batches are stored completely or not at all`() async throws {
    try await TestInstallation.with { installation in
      var server = try await installation.serve()
      let key = try await installation.tenant()
      try await server.client(key: key).makeDataset()
      let rows = 400
      var acknowledged: Set<Int> = []
      for round in 0..<4 {
        let client = try server.client(key: key)
        let progress = Counter()
        let posting = Task {
          await withTaskGroup(of: [Int].self) { group in
            for poster in 0..<4 {
              group.addTask {
                // Posts one batch after the other until the server is gone.
                var mine: [Int] = []
                for turn in 0..<250 {
                  let number = round * 1_000 + poster * 250 + turn
                  guard let answer = try? await Batches.post(number, rows: rows, client) else { break }
                  guard answer.status == 201 else { continue }
                  mine.append(number)
                  progress.add()
                }
                return mine
              }
            }
            return await group.reduce(into: Set<Int>()) { $0.formUnion($1) }
          }
        }
        try await eventually { progress.value > 0 }
        try await Task.sleep(for: .milliseconds(Int.random(in: 0...900)))
        try await installation.killEverything(server)
        acknowledged.formUnion(await posting.value)
        server = try await installation.serve()
        let after = try server.client(key: key)
        let stored = try await Batches.stored(after)
        #expect(stored.values.allSatisfy { $0 == rows }, "\(stored.filter { $0.value != rows })")
        #expect(acknowledged.isSubset(of: stored.keys), "\(acknowledged.subtracting(stored.keys))")
        #expect(try await after.labelsStored() == stored.count * rows)
      }
      #expect(!acknowledged.isEmpty)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a training whose server was killed is completed once`() async throws {
    try await TestInstallation.with { installation in
      let server = try await installation.serve()
      let key = try await installation.tenant()
      let client = try server.client(key: key)
      let place = try await client.startSlowTraining()
      await server.kill()

      let next = try await installation.serve().client(key: key)
      let ended = try await eventually {
        let job = try await next.get(place).json
        return ["queued", "running"].contains(job["state"].string) ? nil : job
      }
      #expect(ended["state"] == "succeeded", "\(ended.text)")
      #expect(ended["attempt"] == 2)
      #expect(ended["model_version"] == 1)
      let models = try await next.get("/v1/datasets/d/models").json["data"].elements
      #expect(models.map { $0["version"].int } == [1])
      let history = try await next.get("/v1/datasets/d/kpis").json["data"].elements
      #expect(history.map { $0["training_job"] } == [ended["id"]])
      #expect(try await next.get("/v1/datasets/d/training-jobs").json["data"].elements.count == 1)
    }
  }
}
