import HTTPTestSupport
import Testing

/// Following a training job from outside.
@Suite struct FollowingTests {
  @Test(.timeLimit(.minutes(2)))
  func eventsEndWithTheFinalState() async throws {
    try await TestServer.with { server in
      let client = server.client
      try await client.makeDataset()
      try await client.addLabels(SmallData.rows(3_000))
      let queued = try await client.send("POST", "/v1/datasets/d/training-jobs")
      #expect(queued.status == 202)
      let place = try #require(queued.headers["location"])
      let stream = try await client.get(place + "/events")
      #expect(stream.status == 200)
      #expect(stream.headers["content-type"] == "text/event-stream")
      let events = try Self.events(stream.text)
      let last = try #require(events.last)
      #expect(last.name == "state")
      #expect(last.job["state"] == "succeeded")
      #expect(last.job["progress"] == 1)
      #expect(last.job == (try await client.get(place).json))
      // Never back, never past the end.
      let progress = events.compactMap { $0.job["progress"].double }
      #expect(progress == progress.sorted())
      #expect(events.dropLast().allSatisfy { ["queued", "running"].contains($0.job["state"].string) })

      // Who comes late gets the end at once.
      let late = try Self.events(try await client.get(place + "/events").text)
      #expect(late.map(\.job) == [last.job])
    }
  }

  @Test(.timeLimit(.minutes(2)))
  func eventsOfACancelledJobEnd() async throws {
    // Without a worker the job waits until it is cancelled.
    try await TestServer.with(worker: false) { server in
      let client = server.client
      try await client.makeDataset()
      try await client.addLabels(SmallData.rows(60))
      let job = try await client.send("POST", "/v1/datasets/d/training-jobs")
      let place = try #require(job.headers["location"])
      async let stream = client.get(place + "/events")
      try await Task.sleep(for: .milliseconds(200))
      let cancelled = try await client.send("POST", place + "/cancel")
      #expect(cancelled.status == 200)
      let events = try Self.events(try await stream.text)
      #expect(events.last?.job["state"] == "cancelled")
      #expect(events.dropLast().allSatisfy { $0.job["state"] == "queued" })
      let again = try await client.send("POST", place + "/cancel")
      #expect(again.problem == "job-finished")
    }
  }

  @Test(.timeLimit(.minutes(2)))
  func waitingEndsWhenItsTimeIsUp() async throws {
    try await TestServer.with(worker: false) { server in
      let client = server.client
      try await client.makeDataset()
      try await client.addLabels(SmallData.rows(60))
      let answer = try await client.post("/v1/datasets/d/training-jobs", [:], headers: ["Prefer": "wait=1"])
      #expect(answer.status == 202)
      #expect(answer.json["state"] == "queued")
    }
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
