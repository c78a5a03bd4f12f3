import Foundation
import HTTPTestSupport
import PostgreSQL
import TestSupport
import Testing

/// Tests of several `verdict work` processes on one database.
@Suite(.serialized) struct ManyWorkersTests {
  @Test(.timeLimit(.minutes(10)))
  func `workers share the work fairly between tenants`() async throws {
    try await WorkerFixture.with(settings: ["VERDICT_JOBS_PER_TENANT": "2"]) { fixture in
      // One tenant has many jobs over many datasets, the other a single job that is enqueued last.
      var places: [String] = []
      for number in 0..<12 {
        try await fixture.client.makeDataset("many-\(number)")
        try await fixture.client.addLabels(SmallData.rows(60), "many-\(number)")
        for _ in 0..<4 {
          let queued = try await fixture.client.post("/v1/datasets/many-\(number)/training-jobs", [:])
          places.append(try #require(queued.headers["location"]))
        }
      }
      let other = fixture.client.with(key: try await fixture.installation.tenant("other"))
      try await other.makeDataset()
      try await other.addLabels(SmallData.rows(60))
      let single = try #require(try await other.post("/v1/datasets/d/training-jobs", [:]).headers["location"])
      for _ in 0..<3 { _ = try await fixture.installation.work() }
      _ = try await eventually { try await other.get(single).json["state"] == "succeeded" ? true : nil }
      for place in places { #expect(try await fixture.end(place)["state"] == "succeeded") }

      let connection = try await Connection.connect(fixture.cluster.configuration)
      // At most three jobs began before the single one: one for each worker that was idle then.
      let before = try await connection.query(
        """
        SELECT count(*) FROM jobs WHERE tenant_id = 1
          AND started_at < (SELECT started_at FROM jobs WHERE tenant_id = 2)
        """
      ).first?.decode(Int.self)
      #expect(before ?? 100 <= 3)
      let limits = try await connection.query(
        """
        SELECT max((SELECT count(*) FROM jobs b WHERE b.tenant_id = a.tenant_id
                     AND b.started_at <= a.started_at AND b.finished_at > a.started_at)),
               count(DISTINCT worker), max(attempt)
        FROM jobs a
        """
      ).first?.decode(Int.self, Int.self, Int.self)
      #expect(limits?.0 ?? 100 <= 2)
      #expect(limits?.1 ?? 0 >= 2)
      #expect(limits?.2 == 1)
      await connection.close()
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `jobs are found without notifications`() async throws {
    try await WorkerFixture.with { fixture in
      _ = try await fixture.installation.work()
      _ = try await fixture.end(try await fixture.train())
      let connection = try await Connection.connect(fixture.cluster.configuration)
      // Enqueues the job as if its notification had been lost.
      try await connection.query(
        """
        INSERT INTO jobs (tenant_id, kind, subject, origin, parameters)
        SELECT tenant_id, kind, subject, origin, parameters FROM jobs
        """)
      await connection.close()
      _ = try await eventually {
        try await fixture.client.get("/v1/datasets/d/models").json["data"].elements.count == 2 ? true : nil
      }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `automatic training survives a restart`() async throws {
    try await WorkerFixture.with { fixture in
      let policy: JSON = ["auto_train": ["enabled": true, "min_new_labels": 1_000, "max_delay_seconds": 3]]
      _ = try HTTPClient.expect(200, await fixture.client.patch("/v1/datasets/d", policy))
      // Enough changes to train at once, since the dataset has never been trained on.
      let job = try await fixture.client.addLabels(SmallData.rows(1, from: 5_000))["training_job"].int
      let worker = try await fixture.installation.work()
      let first = "/v1/datasets/d/training-jobs/\(try #require(job))"
      #expect(try await fixture.end(first)["trigger"] == "auto")
      // Too few changes: the job waits for its delay, which outlasts the processes.
      let answer = try await fixture.client.addLabels(SmallData.rows(5, from: 6_000))
      let place = "/v1/datasets/d/training-jobs/\(try #require(answer["training_job"].int))"
      #expect(try await fixture.client.get(place).json["state"] == "queued")
      await worker.kill()
      try await fixture.cluster.restart()
      _ = try await fixture.installation.work()
      let ended = try await fixture.end(place)
      #expect(ended["state"] == "succeeded" && ended["kpis"]["labels_used"] == 2_006)
      let waited =
        try #require(WorkerFixture.time(ended["started_at"])) - #require(
          WorkerFixture.time(ended["created_at"]))
      #expect(waited >= 3)
    }
  }
}
