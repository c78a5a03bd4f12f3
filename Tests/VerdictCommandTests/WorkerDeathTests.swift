import Foundation
import HTTPTestSupport
import PostgreSQL
import TestSupport
import Testing

/// Tests of failures of workers and the database at any moment: a job ends exactly once, with one model.
@Suite(.serialized) struct WorkerDeathTests {
  /// The tables that a worker needs next when it has claimed a job, when it reads, and when it saves.
  @Test(.timeLimit(.minutes(10)), arguments: ["datasets", "labels", "models", "kpis"])
  func `a worker killed while it waits for a table`(table: String) async throws {
    try await WorkerFixture.with { fixture in
      let place = try await fixture.train()
      try await fixture.holding(table) { observer in
        let worker = try await fixture.installation.work()
        try await fixture.waitUntilBlocked(table, observer)
        await worker.kill()
      }
      _ = try await fixture.installation.work()
      try await fixture.expectOneModel(of: try await fixture.end(place), attempts: 2...2)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a worker killed while it fits`() async throws {
    try await WorkerFixture.with(isLarge: true) { fixture in
      let place = try await fixture.train(WorkerFixture.slow)
      let worker = try await fixture.installation.work()
      _ = try await fixture.job(place) { $0["phase"] == "validating" }
      await worker.kill()
      _ = try await fixture.installation.work()
      try await fixture.expectOneModel(of: try await fixture.end(place), attempts: 2...2)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a worker frozen while it fits`() async throws {
    try await WorkerFixture.with(isLarge: true) { fixture in
      let place = try await fixture.train(WorkerFixture.slow)
      let frozen = try await fixture.installation.work()
      _ = try await fixture.job(place) { $0["phase"] == "validating" }
      frozen.signal(SIGSTOP)
      _ = try await fixture.installation.work()
      let ended = try await fixture.end(place)
      try await fixture.expectOneModel(of: ended, attempts: 2...2)
      frozen.signal(SIGCONT)
      _ = try await eventually { frozen.log.contains("a job was lost to another worker") ? true : nil }
      #expect(try await fixture.client.get(place).json == ended)
      try await fixture.expectOneModel(of: ended, attempts: 2...2)
      // The resumed worker works normally.
      #expect(try await frozen.terminate() == .exited(0), "\(frozen.log)")
    }
  }

  /// After claiming the job, while reading, and in the middle of saving.
  @Test(.timeLimit(.minutes(10)), arguments: ["datasets", "labels", "kpis"])
  func `a worker frozen while it waits for a table`(table: String) async throws {
    try await WorkerFixture.with { fixture in
      let place = try await fixture.train()
      let frozen = try await fixture.holding(table) { observer in
        let frozen = try await fixture.installation.work()
        try await fixture.waitUntilBlocked(table, observer)
        frozen.signal(SIGSTOP)
        return frozen
      }
      // Its transaction stays open, perhaps with the dataset's row locked, until the worker's next statement.
      _ = try await fixture.installation.work()
      let ended = try await fixture.end(place)
      try await fixture.expectOneModel(of: ended, attempts: 2...2)
      frozen.signal(SIGCONT)
      _ = try await eventually {
        frozen.log.contains("a job was lost") || frozen.log.contains("an attempt failed") ? true : nil
      }
      try await Task.sleep(for: .milliseconds(500))
      #expect(try await fixture.client.get(place).json == ended)
      try await fixture.expectOneModel(of: ended, attempts: 2...2)
    }
  }

  @Test(.timeLimit(.minutes(10)), arguments: ["claimed", "reading", "solving", "saving"])
  func `PostgreSQL is killed during a job`(phase: String) async throws {
    try await WorkerFixture.with(isLarge: phase == "solving") { fixture in
      let place = try await fixture.train(phase == "solving" ? WorkerFixture.slow : [:])
      switch phase {
      case "solving":
        _ = try await fixture.installation.work()
        _ = try await fixture.job(place) { $0["phase"] == "validating" }
        try await fixture.cluster.kill()
      default:
        let table = ["claimed": "datasets", "reading": "labels"][phase] ?? "kpis"
        try await fixture.holding(table) { observer in
          _ = try await fixture.installation.work()
          try await fixture.waitUntilBlocked(table, observer)
          try await fixture.cluster.kill()
        }
      }
      try await fixture.cluster.start()
      let ended = try await fixture.end(place)
      try await fixture.expectOneModel(of: ended, attempts: 1...3, lost: false)
      let reasons = Set(ended["attempts"].elements.compactMap { $0["type"].string })
      #expect(reasons.isSubset(of: ["worker-lost", "database-error"]), "\(ended.text)")
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a terminated worker releases its job`() async throws {
    // The lease is far longer than the test, so no other worker could have claimed the job after its expiry.
    try await WorkerFixture.with(isLarge: true, settings: ["VERDICT_LEASE_SECONDS": "600"]) { fixture in
      let place = try await fixture.train(WorkerFixture.slow)
      var releases: [TimeInterval] = []
      for _ in 0..<2 {
        let worker = try await fixture.installation.work()
        _ = try await fixture.job(place) { $0["phase"] == "validating" }
        let signalled = Date()
        #expect(try await worker.terminate() == .exited(0), "\(worker.log)")
        let job = try await fixture.client.get(place).json
        #expect(job["state"] == "queued" && job["attempt"] == 0, "\(job.text)")
        releases.append(try await fixture.lastTransition().timeIntervalSince(signalled))
      }
      _ = try await fixture.installation.work()
      let ended = try await fixture.end(place)
      try await fixture.expectOneModel(of: ended, attempts: 1...1, lost: false)
      #expect(ended["attempts"].elements.isEmpty)
      // A release does not wait for the solver, which takes almost all of the time of the undisturbed training.
      let training =
        try #require(WorkerFixture.time(ended["finished_at"])) - #require(
          WorkerFixture.time(ended["started_at"]))
      #expect(releases.allSatisfy { $0 < training / 2 }, "\(releases) of \(training) s")
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a terminated server releases its job and completes its requests`() async throws {
    try await WorkerFixture.with(isLarge: true, settings: ["VERDICT_LEASE_SECONDS": "600"]) { fixture in
      let place = try await fixture.train(WorkerFixture.slow)
      let second = try await fixture.installation.serve()
      let client = try second.client(key: fixture.client.key)
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
      _ = try await fixture.job(place) { $0["phase"] == "validating" }
      second.signal(SIGTERM)
      // The job is released while the upload continues, and streams of job events are closed.
      let job = try await fixture.job(place) { $0["state"] == "queued" }
      #expect(job["attempt"] == 0, "\(job.text)")
      #expect(try await events.value.text.contains("event: state"))
      let answer = try await waiting.value
      #expect(answer.status == 202, "\(answer)")
      #expect(Processes.isAlive(second.pid))
      send.yield(Array("2,3,0\n".utf8))
      send.finish()
      #expect(try await upload.value.status == 201)
      #expect(try await second.terminate() == .exited(0), "\(second.log)")
      #expect(try await fixture.client.labelsStored() == WorkerFixture.manyRows + 2)
    }
  }
}
