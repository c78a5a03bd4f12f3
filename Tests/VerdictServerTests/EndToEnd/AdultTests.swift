import Foundation
import HTTPTestSupport
import Learning
import Testing

/// The README's example in full: the census income data of Becker and Kohavi (1996).
@Suite struct AdultTests {
  @Test(.timeLimit(.minutes(10)))
  func theExampleReachesTheExpectedQuality() async throws {
    try await TestServer.with { server in
      let client = server.client
      let dataset = try Example.text("adult/dataset.json")
      #expect(try await client.send("POST", "/v1/datasets", text: dataset).status == 201)
      let train = try Example.text("adult/adult_train.csv")
      let added = try await client.send("POST", "/v1/datasets/adult/labels", text: train, as: "text/csv")
      #expect(added.status == 201, "\(added)")
      #expect(added.json["inserted"].int == 32_561)
      #expect(added.json["labels_stored"].int == 32_561)

      let job = try await client.train("adult")
      let held = job["kpis"]
      #expect(held["labels_used"].int == 32_561)

      // All rows of the test file, which the model was not trained on.
      let test = try Example.rows("adult/adult_test.csv", label: "income", positive: ">50K")
      #expect(test.outcomes.count == 16_281)
      var scores: [Double] = []
      for start in stride(from: 0, to: test.features.count, by: 5_000) {
        let rows = test.features[start..<min(start + 5_000, test.features.count)]
        let body = "{\"predictions\":[" + rows.map { "{\"features\":\($0)}" }.joined(separator: ",") + "]}"
        let answer = try await client.send(
          "POST", "/v1/datasets/adult/predictions/batch?store=false", text: body)
        #expect(answer.status == 200)
        let batch = try JSONDecoder().decode(Predictions.self, from: Data(answer.body))
        #expect(batch.predictions.count == rows.count)
        #expect(batch.predictions.allSatisfy { $0.label == ($0.probability >= 0.5 ? 1 : 0) })
        scores += batch.predictions.map(\.probability)
      }
      let measured = try KPIs(scores: scores, outcomes: test.outcomes, threshold: 0.5)
      let accuracy = try #require(measured[.accuracy])
      let rocAUC = try #require(measured[.rocAUC])
      #expect(accuracy >= 0.850)
      #expect(rocAUC >= 0.904)
      // The KPIs of the training agree with those on the test file.
      #expect(abs(try #require(held["accuracy"].double) - accuracy) < 0.01)
      #expect(abs(try #require(held["roc_auc"].double) - rocAUC) < 0.01)
      // None of these predictions was stored.
      #expect(try await client.get("/v1/datasets/adult/predictions").json["data"] == [])
    }
  }

  private struct Predictions: Decodable {
    struct Prediction: Decodable {
      var label: Int
      var probability: Double
    }
    var predictions: [Prediction]
  }
}

/// Reads files in Examples.
enum Example {
  static func text(_ name: String) throws -> String {
    let root = URL(filePath: #filePath).appending(path: "../../../..").standardizedFileURL
    return try String(contentsOf: root.appending(path: "Examples/\(name)"), encoding: .utf8)
  }

  /// The rows of a CSV file without quotes, as JSON features and outcomes.
  static func rows(
    _ name: String, label: String, positive: String
  ) throws -> (features: [String], outcomes: [UInt8]) {
    let lines = try text(name).split(whereSeparator: \.isNewline)
    let header = lines[0].split(separator: ",").map(String.init)
    let place = try #require(header.firstIndex(of: label))
    var features: [String] = []
    var outcomes: [UInt8] = []
    for line in lines.dropFirst() {
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      let members = fields.indices.filter { $0 != place && !fields[$0].isEmpty }.map { index in
        Double(fields[index]) == nil
          ? "\"\(header[index])\":\"\(fields[index])\"" : "\"\(header[index])\":\(fields[index])"
      }
      features.append("{\(members.joined(separator: ","))}")
      outcomes.append(fields[place] == positive ? 1 : 0)
    }
    return (features, outcomes)
  }
}
