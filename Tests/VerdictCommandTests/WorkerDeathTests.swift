import Foundation
import HTTPTestSupport
import PostgreSQL
import TestSupport
import Testing

/// Whatever happens to workers and database, and whenever: a job ends exactly once, with one model.
@Suite(.serialized) struct WorkerDeathTests {
  /// The tables that a worker needs next when it has claimed a job, when it reads, and when it saves.
  @Test(.timeLimit(.minutes(3)), arguments: ["datasets", "labels", "models", "kpis"])
  func killedWhileItNeeds(table: String) async throws {
    try await Workshop.with { shop in
      let place = try await shop.train()
      try await shop.holding(table) { looker in
        let worker = try await shop.installation.work()
        try await shop.isMet(table, looker)
        await worker.kill()
      }
      _ = try await shop.installation.work()
      try await shop.expectOneModel(of: try await shop.end(place), attempts: 2...2)
    }
  }

  @Test(.timeLimit(.minutes(3)))
  func killedWhileItSolves() async throws {
    try await Workshop.with(isLarge: true) { shop in
      let place = try await shop.train(Workshop.slow)
      let worker = try await shop.installation.work()
      _ = try await shop.job(place) { $0["phase"] == "validating" }
      await worker.kill()
      _ = try await shop.installation.work()
      try await shop.expectOneModel(of: try await shop.end(place), attempts: 2...2)
    }
  }

  @Test(.timeLimit(.minutes(3)))
  func frozenWhileItSolves() async throws {
    try await Workshop.with(isLarge: true) { shop in
      let place = try await shop.train(Workshop.slow)
      let frozen = try await shop.installation.work()
      _ = try await shop.job(place) { $0["phase"] == "validating" }
      frozen.signal(SIGSTOP)
      _ = try await shop.installation.work()
      let ended = try await shop.end(place)
      try await shop.expectOneModel(of: ended, attempts: 2...2)
      frozen.signal(SIGCONT)
      _ = try await eventually { frozen.log.contains("a job was lost to another worker") ? true : nil }
      #expect(try await shop.client.get(place).json == ended)
      try await shop.expectOneModel(of: ended, attempts: 2...2)
      // It is none the worse for it.
      #expect(try await frozen.terminate() == .exited(0), "\(frozen.log)")
    }
  }

  /// When it has claimed the job, while it reads, in the middle of saving.
  @Test(.timeLimit(.minutes(3)), arguments: ["datasets", "labels", "kpis"])
  func frozenWhileItNeeds(table: String) async throws {
    try await Workshop.with { shop in
      let place = try await shop.train()
      let frozen = try await shop.holding(table) { looker in
        let frozen = try await shop.installation.work()
        try await shop.isMet(table, looker)
        frozen.signal(SIGSTOP)
        return frozen
      }
      // Its transaction goes on to where it waits for the worker's next word, perhaps with the dataset's row locked.
      _ = try await shop.installation.work()
      let ended = try await shop.end(place)
      try await shop.expectOneModel(of: ended, attempts: 2...2)
      frozen.signal(SIGCONT)
      _ = try await eventually {
        frozen.log.contains("a job was lost") || frozen.log.contains("an attempt failed") ? true : nil
      }
      try await Task.sleep(for: .milliseconds(500))
      #expect(try await shop.client.get(place).json == ended)
      try await shop.expectOneModel(of: ended, attempts: 2...2)
    }
  }

  @Test(.timeLimit(.minutes(3)), arguments: ["claimed", "reading", "solving", "saving"])
  func thePostgreSQLIsKilled(phase: String) async throws {
    try await Workshop.with(isLarge: phase == "solving") { shop in
      let place = try await shop.train(phase == "solving" ? Workshop.slow : [:])
      switch phase {
      case "solving":
        _ = try await shop.installation.work()
        _ = try await shop.job(place) { $0["phase"] == "validating" }
        try await shop.cluster.kill()
      default:
        let table = ["claimed": "datasets", "reading": "labels"][phase] ?? "kpis"
        try await shop.holding(table) { looker in
          _ = try await shop.installation.work()
          try await shop.isMet(table, looker)
          try await shop.cluster.kill()
        }
      }
      try await shop.cluster.start()
      let ended = try await shop.end(place)
      try await shop.expectOneModel(of: ended, attempts: 1...3, lost: false)
      let reasons = Set(ended["attempts"].elements.compactMap { $0["type"].string })
      #expect(reasons.isSubset(of: ["worker-lost", "database-error"]), "\(ended.text)")
    }
  }

  @Test(.timeLimit(.minutes(3)))
  func aTerminatedWorkerHandsItsJobBack() async throws {
    // A lease far longer than the test: nobody else could have taken the job.
    try await Workshop.with(isLarge: true, settings: ["VERDICT_LEASE_SECONDS": "600"]) { shop in
      let place = try await shop.train(Workshop.slow)
      for _ in 0..<2 {
        let worker = try await shop.installation.work()
        _ = try await shop.job(place) { $0["phase"] == "validating" }
        let signalled = Date()
        #expect(try await worker.terminate() == .exited(0), "\(worker.log)")
        let job = try await shop.client.get(place).json
        #expect(job["state"] == "queued" && job["attempt"] == 0, "\(job.text)")
        // Promised is a second; a slow machine may take some more, but none waits for the solver.
        #expect(try await shop.lastMove().timeIntervalSince(signalled) < 10)
      }
      _ = try await shop.installation.work()
      let ended = try await shop.end(place)
      try await shop.expectOneModel(of: ended, attempts: 1...1, lost: false)
      #expect(ended["attempts"].elements.isEmpty)
    }
  }

  @Test(.timeLimit(.minutes(3)))
  func aTerminatedServerHandsItsJobBackAndAnswersWhatItHas() async throws {
    try await Workshop.with(isLarge: true, settings: ["VERDICT_LEASE_SECONDS": "600"]) { shop in
      let place = try await shop.train(Workshop.slow)
      let second = try await shop.installation.serve()
      let client = try second.client(key: shop.client.key)
      let (chunks, send) = AsyncStream<[UInt8]>.makeStream()
      send.yield(Array("x0,x1,label\n1,2,1\n".utf8))
      let upload = Task {
        try await client.send(
          "POST", "/v1/datasets/d/labels", headers: ["Content-Type": "text/csv"], body: .chunks(chunks))
      }
      let events = Task { try await client.get(place + "/events") }
      let waiting = Task {
        try await client.post("/v1/datasets/d/training-jobs", [:], headers: ["Prefer": "wait=60"])
      }
      _ = try await shop.job(place) { $0["phase"] == "validating" }
      second.signal(SIGTERM)
      // The job is free while the upload still goes on, and those who wait for it are sent away.
      let job = try await shop.job(place) { $0["state"] == "queued" }
      #expect(job["attempt"] == 0, "\(job.text)")
      #expect(try await events.value.text.contains("event: state"))
      let answer = try await waiting.value
      #expect(answer.status == 202, "\(answer)")
      #expect(Processes.isAlive(second.pid))
      send.yield(Array("2,3,0\n".utf8))
      send.finish()
      #expect(try await upload.value.status == 201)
      #expect(try await second.terminate() == .exited(0), "\(second.log)")
      #expect(try await shop.client.labelsStored() == Workshop.manyRows + 2)
    }
  }
}
