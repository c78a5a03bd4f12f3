import HTTPTestSupport
import PostgreSQL
import TestSupport
import Testing

/// An erasure ends whichever process dies.
@Suite struct ErasureDeathTests {
  @Test(.timeLimit(.minutes(10)), arguments: ["labels", "idempotency_keys", "jobs"])
  func `a server killed while its erasure waits for a table`(table: String) async throws {
    try await WorkerFixture.with { fixture in
      let csv = "x,c,label,key\n" + (0..<50).map { "\($0),red,\($0 % 2),k\($0)\n" }.joined()
      let path = "/v1/datasets/d/labels"
      let first = try await fixture.installation.serve(settings: ["VERDICT_WORKERS": "0"])
      let client = try first.client(key: fixture.client.key)
      _ = try HTTPClient.expect(201, await client.send("POST", path, text: csv, as: "text/csv"))
      // Another server goes on with the erasure as soon as its transaction has ended.
      await fixture.server.kill()
      let place = try await TestSupport.holding(table, of: fixture.cluster.configuration) {
        let answer = try HTTPClient.expect(
          202, await client.post("/v1/datasets/d/erasures", ["key": "k7", "retrain": true]))
        try await fixture.cluster.configuration.waitForLock()
        await first.kill()
        return answer.headers["location"] ?? ""
      }
      let second = try await fixture.installation.serve()
      let next = try second.client(key: fixture.client.key)
      let ended = try await eventually { () -> JSON? in
        let status = try await next.get(place).json
        return ["succeeded", "failed"].contains(status["state"].string) ? status : nil
      }
      #expect(ended["state"] == "succeeded" && ended["model_version"] == 1, "\(ended.text)")
      #expect(ended["labels_deleted"] == 1)
      #expect(try await next.labelsStored() == 2_049)
      #expect(try await next.get(path + "?key=k7").json["data"].elements.isEmpty)
    }
  }
}
