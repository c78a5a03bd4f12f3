import HTTPTestSupport
import Testing

/// An export can be posted as it is, and the next export is the same, byte for byte.
@Suite struct ExportTests {
  @Test(.timeLimit(.minutes(10)), arguments: [("csv", "text/csv"), ("ndjson", "application/x-ndjson")])
  func exportsRoundTrip(form: String, type: String) async throws {
    try await TestServer.with(worker: false) { server in
      let client = server.client
      for name in ["one", "two"] { try await client.makeDataset(name, Self.declaration) }
      let added = try await client.send(
        "POST", "/v1/datasets/one/labels", text: Self.awkward, as: "application/x-ndjson")
      #expect(added.status == 201, "\(added)")
      try await client.addLabels(SmallData.rows(2_000), "one")

      let first = try await client.get("/v1/datasets/one/labels.\(form)")
      #expect(first.status == 200)
      #expect(first.headers["content-type"]?.hasPrefix(type) == true)
      let back = try await client.send(
        "POST", "/v1/datasets/two/labels", headers: ["Content-Type": type], body: .bytes(first.body))
      #expect(back.status == 201, "\(back)")
      #expect(back.json["inserted"].int == 2_008)
      let second = try await client.get("/v1/datasets/two/labels.\(form)")
      #expect(second.body == first.body)
      #expect(try await client.dataset("two")["positives"] == client.dataset("one")["positives"])
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func pagesContainTheSameRowsAsExports() async throws {
    try await TestServer.with(worker: false) { server in
      let client = server.client
      try await client.makeDataset()
      try await client.addLabels(SmallData.rows(250))
      var labels: [JSON] = []
      var path = "/v1/datasets/d/labels?limit=100"
      while true {
        let page = try await client.get(path).json
        labels += page["data"].elements
        guard let cursor = page["next_cursor"].string else { break }
        path = "/v1/datasets/d/labels?limit=100&cursor=\(cursor)"
        #expect(labels.count <= 250)
      }
      #expect(labels.map { $0["features"] } == SmallData.rows(250).map(\.features))
      #expect(Set(labels.map { $0["id"] }).count == 250)
    }
  }

  private static let declaration: [String: JSON] = [
    "features": [
      ["name": "x", "type": "continuous"], ["name": "n", "type": "discrete"],
      ["name": "c", "type": "categorical"], ["name": "a \"quoted\", name", "type": "categorical"],
    ],
    "label": ["name": "won, or lost"],
  ]

  /// Missing values, text that CSV and JSON must escape, extreme doubles, and keys.
  private static let awkward = #"""
    {"features":{},"label":1,"key":"k1"}
    {"features":{"x":null,"n":null,"c":null},"label":0}
    {"features":{"x":0.1,"n":-9007199254740991,"c":"a,b","a \"quoted\", name":"he said \"no\""},"label":1,"key":"k,2"}
    {"features":{"x":5e-324,"n":9007199254740991,"c":"two\nlines","a \"quoted\", name":" spaces "},"label":0}
    {"features":{"x":-1e150,"c":"NULL","a \"quoted\", name":"null"},"label":1,"key":"ünï"}
    {"features":{"x":-0.0,"c":"\ud83d\ude42","a \"quoted\", name":"\\"},"label":0}
    {"features":{"x":123456789.123456789,"c":true,"a \"quoted\", name":17},"label":1}
    {"features":{"x":1e21,"c":"\t","a \"quoted\", name":"'"},"label":0}

    """#
}
