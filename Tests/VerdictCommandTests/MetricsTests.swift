import Foundation
import HTTPTestSupport
import Testing
import TestSupport

/// Tests of the metrics of separate workers.
@Suite(.serialized) struct MetricsTests {
  @Test(.timeLimit(.minutes(10)))
  func `a worker reports the outcomes of its attempts`() async throws {
    try await WorkerFixture.with { fixture in
      let worker = try await fixture.installation.work(settings: ["VERDICT_METRICS_PORT": "0"])
      let port = try await eventually {
        worker.log.firstMatch(of: #/metrics at http://127\.0\.0\.1:(\d+)\/metrics/#).flatMap { Int($0.1) }
      }
      let client = HTTPClient(port: port, key: nil)
      #expect(try await client.get("/healthz").status == 200)
      _ = try await fixture.end(try await fixture.train())
      let text = try await eventually {
        let text = try await client.get("/metrics").text
        return text.contains(#"verdict_job_seconds_count{outcome="succeeded"} 1"#) ? text : nil
      }
      #expect(text.contains(#"verdict_job_seconds_bucket{outcome="succeeded",le="30.0"} 1"#), "\(text)")
      #expect(text.contains(#"verdict_job_seconds_bucket{outcome="succeeded",le="3600.0"} 1"#), "\(text)")
      #expect(text.contains(#"verdict_pool_connections{state="open"}"#), "\(text)")
      #expect(try await client.get("/v1/datasets").status == 404)
      #expect(try await worker.terminate() == .exited(0), "\(worker.log)")
    }
  }
}
