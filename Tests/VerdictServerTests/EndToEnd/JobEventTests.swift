import HTTPTestSupport
import NIOCore
import Testing
import TestSupport

/// Following a training job by events and by waiting.
@Suite struct JobEventTests {
  @Test(.timeLimit(.minutes(10)))
  func eventsEndWithTheFinalState() async throws {
    try await TestServer.with { server in
      let client = server.client
      try await client.makeDataset()
      try await client.addLabels(SmallData.rows(3_000))
      let queued = try await client.send("POST", "/v1/datasets/d/training-jobs")
      #expect(queued.status == 202)
      let location = try #require(queued.headers["location"])
      let stream = try await client.get(location + "/events")
      #expect(stream.status == 200)
      #expect(stream.headers["content-type"] == "text/event-stream")
      let events = try Self.events(stream.text)
      let last = try #require(events.last)
      #expect(last.name == "state")
      #expect(last.job["state"] == "succeeded")
      #expect(last.job["progress"] == 1)
      #expect(last.job == (try await client.get(location).json))
      // Progress never decreases, and no event follows the final state.
      let progress = events.compactMap { $0.job["progress"].double }
      #expect(progress == progress.sorted())
      #expect(events.dropLast().allSatisfy { ["queued", "running"].contains($0.job["state"].string) })

      // A late subscriber gets the final state at once.
      let late = try Self.events(try await client.get(location + "/events").text)
      #expect(late.map(\.job) == [last.job])
    }
  }

  /// The location of a new training job.
  private static func queuedJob(_ client: HTTPClient) async throws -> String {
    try await client.makeDataset()
    try await client.addLabels(SmallData.rows(60))
    let job = try await client.send("POST", "/v1/datasets/d/training-jobs")
    return try #require(job.headers["location"])
  }

  @Test(.timeLimit(.minutes(10)))
  func eventsOfACancelledJobEnd() async throws {
    // Without a worker, the job stays queued until it is cancelled.
    try await TestServer.with(worker: false) { server in
      let client = server.client
      let location = try await Self.queuedJob(client)
      async let stream = client.get(location + "/events")
      // Before or after the stream has begun: it ends in either case.
      try await Task.sleep(for: .milliseconds(200))
      let cancelled = try await client.send("POST", location + "/cancel")
      #expect(cancelled.status == 200)
      let events = try Self.events(try await stream.text)
      #expect(events.last?.job["state"] == "cancelled")
      #expect(events.dropLast().allSatisfy { $0.job["state"] == "queued" })
      let again = try await client.send("POST", location + "/cancel")
      #expect(again.problem == "job-finished")
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func waitingEndsAfterItsTimeout() async throws {
    try await TestServer.with(worker: false) { server in
      let client = server.client
      try await client.makeDataset()
      try await client.addLabels(SmallData.rows(60))
      let answer = try await client.post("/v1/datasets/d/training-jobs", [:], headers: ["Prefer": "wait=1"])
      #expect(answer.status == 202)
      #expect(answer.json["state"] == "queued")
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func runningJobsAreCancelled() async throws {
    try await TestServer.with { server in
      let client = server.client
      try await client.makeDataset()
      try await client.addLabels(SmallData.rows(60))
      let location = try await server.holding("labels", "ACCESS EXCLUSIVE") {
        let queued = try await client.send("POST", "/v1/datasets/d/training-jobs")
        let location = try #require(queued.headers["location"])
        _ = try await eventually { try await client.get(location).json["state"] == "running" ? true : nil }
        let answer = try await client.send("POST", location + "/cancel")
        #expect(answer.status == 200 && answer.json["state"] == "running", "\(answer)")
        return location
      }
      let ended = try await eventually { () -> JSON? in
        let job = try await client.get(location).json
        return job["finished_at"] == .null ? nil : job
      }
      #expect(ended["state"] == "cancelled" && ended["error"]["type"] == "cancelled", "\(ended.text)")
      #expect(try await client.get("/v1/datasets/d/models").json["data"].elements.isEmpty)
      #expect(try await client.send("POST", location + "/cancel").problem == "job-finished")
    }
  }

  /// While one training runs, one more may wait.
  @Test(.timeLimit(.minutes(10)))
  func oneTrainingRunsAndOneWaits() async throws {
    try await TestServer.with { server in
      let client = server.client
      try await client.makeDataset("d", ["auto_train": ["enabled": true, "min_new_labels": 20]])
      let jobs = try await server.holding("models", "SHARE") {
        let first = try await client.addLabels(SmallData.rows(60))["training_job"]
        // The running job uses the rows that it has read; later rows need another job.
        let location = "/v1/datasets/d/training-jobs/\(try #require(first.int))"
        _ = try await eventually { try await client.get(location).json["phase"] == "saving" ? true : nil }
        var jobs = [first]
        for round in 0..<3 {
          jobs.append(try await client.addLabels(SmallData.rows(20, from: 100 * round + 100))["training_job"])
        }
        let states = try await client.get("/v1/datasets/d/training-jobs").json["data"].elements
        #expect(states.map { $0["state"] } == ["queued", "running"])
        return jobs
      }
      #expect(Set(jobs.compactMap(\.int)).count == 2 && jobs[1] == jobs[2] && jobs[2] == jobs[3])
      let list = try await eventually { () -> [JSON]? in
        let list = try await client.get("/v1/datasets/d/training-jobs").json["data"].elements
        return list.allSatisfy { $0["state"] == "succeeded" } ? list : nil
      }
      #expect(list.map { $0["kpis"]["labels_used"] } == [120, 60])
    }
  }

  /// A subscriber continues at another server while the job runs.
  @Test(.timeLimit(.minutes(10)))
  func eventsContinueAtAnotherServer() async throws {
    try await TestServer.with { server in
      let client = server.client
      try await client.makeDataset()
      try await client.addLabels(SmallData.rows(60))
      try await server.withAnother { other in
        let (location, resumed) = try await server.holding("models", "SHARE") {
          let queued = try await client.send("POST", "/v1/datasets/d/training-jobs")
          let location = try #require(queued.headers["location"])
          _ = try await eventually { try await client.get(location).json["phase"] == "saving" ? true : nil }
          let resumed = Task { try await other.get(location + "/events", headers: ["Last-Event-ID": "1"]) }
          // The second server sends events during the run, too.
          try await Task.sleep(for: .milliseconds(300))
          return (location, resumed)
        }
        let events = try Self.events(try await resumed.value.text)
        #expect(events.first?.name == "state" && events.first?.job["state"] == "running")
        #expect(events.contains { $0.name == "progress" && $0.job["phase"] == "saving" })
        #expect(events.last?.job == (try await client.get(location).json))
        #expect(events.last?.job["state"] == "succeeded")
      }
    }
  }

  /// The stream sends heartbeats while the job does not change.
  @Test(.timeLimit(.minutes(10)))
  func silentStreamsSendHeartbeats() async throws {
    try await TestServer.with(worker: false) { server in
      let client = server.client
      let location = try await Self.queuedJob(client)
      let text = try await RawConnection.with(client, "GET", location + "/events") { inbound in
        var (text, isCancelled) = ("", false)
        for try await piece in inbound {
          text += String(buffer: piece)
          // A comment is the heartbeat (HTML, 9.2.6).
          if !isCancelled, Self.hasHeartbeat(text) {
            isCancelled = true
            #expect(try await client.send("POST", location + "/cancel").status == 200)
          }
          // The last chunk (RFC 9112, 7.1).
          if text.hasSuffix("\r\n0\r\n\r\n") { break }
        }
        return text
      }
      #expect(Self.hasHeartbeat(text) && text.contains(#""state":"cancelled""#), "\(text)")
    }
  }

  @Test(.timeLimit(.minutes(10)), arguments: ["correction", "deletion", "feedback", "feedback taken back"])
  func everyChangeOfLabelsTriggersATraining(change: String) async throws {
    try await TestServer.with { server in
      let client = server.client
      try await client.makeDataset()
      try await client.addLabels(SmallData.rows(60))
      try await client.train()
      let prediction = try await client.post(
        "/v1/datasets/d/predictions", ["features": ["x": 1, "c": "red"]])
      let feedback = "/v1/datasets/d/predictions/\(try #require(prediction.json["id"].string))/label"
      if change == "feedback taken back" {
        _ = try HTTPClient.expect(200, await client.put(feedback, ["label": 1]))
        try await client.train()
      }
      let before = try await client.dataset()["active_model"]["version"].int ?? 0
      let policy: JSON = ["auto_train": ["enabled": true, "min_new_labels": 1]]
      _ = try HTTPClient.expect(200, await client.patch("/v1/datasets/d", policy))
      let label = try await client.get("/v1/datasets/d/labels?limit=1").json["data"][0]["id"].int ?? 0
      switch change {
      case "correction":
        _ = try HTTPClient.expect(
          200, await client.patch("/v1/datasets/d/labels/\(label)", ["features": ["x": 2]]))
      case "deletion": _ = try await client.delete("/v1/datasets/d/labels/\(label)")
      case "feedback": _ = try HTTPClient.expect(200, await client.put(feedback, ["label": 1]))
      default: _ = try await client.delete(feedback)
      }
      _ = try await eventually {
        try await client.dataset()["active_model"]["version"].int == before + 1 ? true : nil
      }
      let newest = try await client.get("/v1/datasets/d/training-jobs").json["data"][0]
      let expected = ["correction": 60, "deletion": 59, "feedback": 61][change] ?? 60
      #expect(newest["trigger"] == "auto" && newest["kpis"]["labels_used"].int == expected)
    }
  }

  private static func hasHeartbeat(_ text: String) -> Bool {
    text.split(whereSeparator: \.isNewline).contains { $0.hasPrefix(":") }
  }

  private static func events(_ text: String) throws -> [(name: String, job: JSON)] {
    try text.split(separator: "\n\n").compactMap { event in
      let fields = event.split(separator: "\n").map {
        $0.split(separator: ": ", maxSplits: 1).map(String.init)
      }
      guard let name = fields.first(where: { $0.first == "event" })?.last,
        let data = fields.first(where: { $0.first == "data" })?.last
      else { return nil }
      return (name, try JSON(parsing: data.utf8))
    }
  }
}
