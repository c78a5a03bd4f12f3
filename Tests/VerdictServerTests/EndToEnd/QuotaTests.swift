import DomainTestSupport
import HTTPTestSupport
import PostgreSQL
import Testing
import TestSupport
import VerdictCore

@testable import VerdictServer

/// The limits of tenants, as seen by their clients.
@Suite struct QuotaTests {
  @Test(.timeLimit(.minutes(10)))
  func requestsBeyondTheRateGetRetryAfter() async throws {
    try await TestServer.with(worker: false) { server in
      let before = try await server.client.get("/v1/usage")
      #expect(before.status == 200)
      #expect(before.headers["ratelimit"] == nil)
      try await server.limit(.requestsPerSecond, 2)
      let refused = try await eventually { () -> Answer? in
        // At once, so that the bucket cannot be filled in between.
        try await withThrowingTaskGroup(of: Answer.self) { group in
          for _ in 0..<8 { group.addTask { try await server.client.get("/v1/usage") } }
          var refused: Answer?
          for try await answer in group {
            #expect([200, 429].contains(answer.status))
            if answer.status == 429 { refused = answer }
          }
          return refused
        }
      }
      #expect(refused.problem == "too-many-requests")
      #expect(refused.headers["retry-after"] == "1")
      #expect(refused.headers["ratelimit-policy"] == "\"requests\";q=2;w=1")
      #expect(refused.headers["ratelimit"] == "\"requests\";r=0;t=1")
      #expect(refused.json["limit"].string == "requests_per_second")
      let admitted = try await eventually { () -> Answer? in
        let answer = try await server.client.get("/v1/usage")
        return answer.status == 200 ? answer : nil
      }
      #expect(admitted.headers["ratelimit-policy"] == "\"requests\";q=2;w=1")
      // Error responses carry the fields, too.
      let absent = try await eventually { () -> Answer? in
        let answer = try await server.client.get("/v1/datasets/none")
        return answer.status == 404 ? answer : nil
      }
      #expect(absent.isProblem && absent.headers["ratelimit-policy"] == "\"requests\";q=2;w=1")
      #expect(absent.headers["ratelimit"] != nil)
      // Another tenant's bucket is independent.
      let other = try await server.clientOfAnotherTenant()
      for _ in 0..<20 { #expect(try await other.get("/v1/usage").status == 200) }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func predictionsStopAtTheLimitAndResumeBelowIt() async throws {
    try await TestServer.with { server in
      _ = try await server.predicted(5)
      #expect(try await server.client.get("/v1/usage").json["predictions"]["used"].int == 5)
      try await server.limit(.predictions, 8)
      let body: JSON = ["features": ["x": 1]]
      var statuses: [Int] = []
      let refused = try await eventually { () -> Answer? in
        let answer = try await server.client.post("/v1/datasets/d/predictions", body)
        statuses.append(answer.status)
        return answer.status == 201 ? nil : answer
      }
      #expect(refused.status == 403)
      #expect(refused.problem == "quota-exceeded")
      #expect(refused.json["limit"].string == "predictions")
      #expect(refused.json["maximum"].int == 8)
      // A validated key, with the tenant's limits, is cached for up to a second.
      #expect(statuses.filter { $0 == 201 }.count >= 3)
      let unstored = try await server.client.post("/v1/datasets/d/predictions?store=false", body)
      #expect(unstored.status == 200)
      let batch: JSON = ["predictions": .array(Array(repeating: body, count: 200))]
      let large = try await server.client.post("/v1/datasets/d/predictions/batch", batch)
      #expect(large.problem == "quota-exceeded")
      let used = try await server.client.get("/v1/usage").json["predictions"]["used"].int
      let counted = try await server.domain.asOwner { connection in
        try await connection.query("SELECT count(*) FROM predictions").first?.decode(Int.self)
      }
      #expect(used == counted)
      try await server.limit(.predictions, 100_000)
      _ = try await eventually { () -> Answer? in
        let answer = try await server.client.post("/v1/datasets/d/predictions/batch", batch)
        return answer.status == 201 ? answer : nil
      }
      #expect(try await server.client.get("/v1/usage").json["predictions"]["used"].int == (used ?? 0) + 200)
      #expect(try await server.client.delete("/v1/datasets/d").status == 204)
      try await Maintenance(database: server.domain.database, logger: server.domain.logger).maintain()
      #expect(try await server.client.get("/v1/usage").json["predictions"]["used"].int == 0)
      #expect(try await server.client.get("/v1/usage").json["rows"]["used"].int == 0)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func bodiesRowsDatasetsAndKeysAreLimited() async throws {
    try await TestServer.with(worker: false) { server in
      try await server.client.makeDataset("d")
      let rows = SmallData.batch(SmallData.rows(20))
      try await server.limit(.rows, 10)
      let refused = try await server.client.post("/v1/datasets/d/labels", rows)
      #expect(refused.status == 403)
      #expect(refused.json["limit"].string == "rows")
      #expect(refused.json["present"].int == 0)
      #expect(try await server.client.get("/v1/datasets/d").json["labels_stored"].int == 0)
      try await server.limit(.datasets, 1)
      let dataset = try await server.client.post(
        "/v1/datasets", ["name": "e", "features": SmallData.features])
      #expect(dataset.json["limit"].string == "datasets")
      try await server.limit(.keys, 1)
      let key = try await server.client.post("/v1/keys", ["name": "k", "role": "read"])
      #expect(key.json["limit"].string == "keys")
      try await server.limit(.bodyBytes, 100)
      let large = try await eventually { () -> Answer? in
        let answer = try await server.client.post("/v1/datasets/d/labels", rows)
        return answer.status == 413 ? answer : nil
      }
      #expect(large.problem == "body-too-large")
      let csv = SmallData.csv(SmallData.rows(20))
      let streamed = try await server.client.send("POST", "/v1/datasets/d/labels", text: csv, as: "text/csv")
      #expect(streamed.problem == "body-too-large")
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func aRevokedKeyIsRefusedByEveryServerWithinASecond() async throws {
    try await TestServer.with(worker: false) { server in
      let made = try await server.client.post("/v1/keys", ["name": "brief", "role": "read"])
      let key = try #require(made.json["secret"].string)
      let id = try #require(made.json["id"].int)
      try await server.withAnother { other in
        let clients = [server.client.with(key: key), other.with(key: key)]
        for client in clients { #expect(try await client.get("/v1/datasets").status == 200) }
        #expect(try await server.client.delete("/v1/keys/\(id)").status == 204)
        try await Task.sleep(for: .seconds(1))
        for client in clients { #expect(try await client.get("/v1/datasets").status == 401) }
      }
    }
  }
}

/// Rate limits by tenant and of failed authentication, with a clock that the test controls.
@Suite struct LimiterTests {
  @Test func bucketsRefillAtTheirRate() {
    let start = ContinuousClock.now
    let bucket = RequestRateLimiter(rate: 3, now: start)
    #expect((0..<5).map { _ in bucket.take(rate: 3, now: start) } == [2, 1, 0, nil, nil])
    #expect(bucket.take(rate: 3, now: start + .milliseconds(300)) == nil)
    #expect(bucket.take(rate: 3, now: start + .milliseconds(400)) == 0)
    #expect(bucket.take(rate: 3, now: start + .seconds(60)) == 2)
    // A clock reading that is slightly earlier neither adds nor removes tokens.
    #expect(bucket.take(rate: 3, now: start + .seconds(59)) == 1)
    // A lower rate takes effect at once.
    #expect(bucket.take(rate: 1, now: start + .seconds(60)) == 0)
    #expect(bucket.take(rate: 1, now: start + .seconds(60)) == nil)
  }

  @Test func onlyFailedAuthenticationsUseTokens() {
    let start = ContinuousClock.now
    let wrong = FailedAuthLimiter(.init(burst: 3, perSecond: 1))
    #expect((0..<5).map { _ in wrong.take("10.0.0.1", now: start) } == [true, true, true, false, false])
    #expect(wrong.take("10.0.0.1", now: start + .seconds(2)))
    let right = FailedAuthLimiter(.init(burst: 3, perSecond: 1))
    for _ in 0..<20 {
      #expect(right.take("10.0.0.1", now: start))
      right.refund("10.0.0.1")
    }
    // Only a few other addresses can share the exhausted bucket.
    let others = (2..<102).filter { wrong.take("10.0.0.\($0)", now: start + .seconds(2)) }
    #expect(others.count > 90)
  }
}

extension TestServer {
  func limit(_ quota: Quota, _ number: Int) async throws {
    _ = try await TenantStore(database: domain.database).setLimits(tenant) { $0[set: quota] = number }
  }
}
