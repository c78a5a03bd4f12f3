import Foundation
import HTTPTestSupport
import Testing

/// Upload of a file as a data frame writes it: semicolons, an unnamed index column, and training and test rows in one table.
@Suite struct SplitFileTests {
  @Test(.timeLimit(.minutes(10)))
  func oneRequestStoresTheTrainingRows() async throws {
    let file = try #require(Bundle.module.url(forResource: "Fixtures/split", withExtension: "csv"))
    let bytes = Array(try Data(contentsOf: file))
    try await TestServer.with(worker: false) { server in
      let client = server.client
      let names =
        (1...6).map { ("CONT\($0)", "continuous") }
        + [("CAT1", "categorical"), ("CAT2", "categorical"), ("DIS1", "discrete"), ("DIS2", "discrete")]
      try await client.makeDataset(
        "split",
        [
          "features": .array(names.map { ["name": .string($0.0), "type": .string($0.1)] }),
          "label": ["name": "LABEL"],
        ])
      let path = "/v1/datasets/split/labels?delimiter=;&ignore=&keep=set=TRAIN"
      let answer = try await client.send(
        "POST", path, headers: ["Content-Type": "text/csv"], body: .bytes(bytes))
      #expect(answer.status == 201, "\(answer)")
      #expect(answer.json["inserted"] == 30)

      let labels = try await client.get("/v1/datasets/split/labels").json["data"].elements
      #expect(labels.count == 30)
      #expect(labels.count { $0["label"] == 1 } == 10)
      #expect(labels[0]["features"]["CONT2"] == 0.77516)
      #expect(labels[0]["features"]["CAT1"] == "0")
      #expect(labels[0]["features"]["DIS1"] == 1)
      // Without the parameters, the errors are reported.
      let refused = try await client.send(
        "POST", "/v1/datasets/split/labels?delimiter=;", headers: ["Content-Type": "text/csv"],
        body: .bytes(bytes))
      #expect(refused.status == 422)
      #expect(refused.json["errors"].elements.map { $0["column"] } == ["", "set"])
    }
  }
}
