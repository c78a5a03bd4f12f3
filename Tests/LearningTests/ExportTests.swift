import Foundation
import Testing

@testable import Learning

/// Exports against what PostgreSQL and a PMML reader made of them (`scripts/make-learning-fixtures exports`). With
/// RECORD_EXPORTS set in the environment the exports are written anew instead.
@Suite struct ExportTests {
  struct Row: Codable {
    var amount: Double?
    var weight: Double?
    var colour: String?
  }

  struct Values: Decodable {
    var sql: [Double]
    var sql_labels: [Int]
    var pmml: [Double]
    var pmml_labels: [Int]
  }

  private static let names = ["amount \"net\" <&>", "weight", "côlour's"]
  private static let colours = ["red", "it's \"green\" & <blue>", "back\\slash", "grün"]

  private static let rows: [Row] = [
    Row(amount: 1.25, weight: 3, colour: colours[1]), Row(amount: nil, weight: -2.5e3, colour: colours[2]),
    Row(amount: 1e6, weight: 0.1, colour: nil), Row(amount: -1e6, weight: 0.1, colour: colours[0]),
    Row(amount: 0.3, weight: nil, colour: colours[3]), Row(amount: 2, weight: 1, colour: "never seen"),
  ]

  private static func url(_ name: String) -> URL {
    URL(filePath: #filePath).appending(path: "../Fixtures/\(name)").standardizedFileURL
  }

  private static func model() throws -> LogisticModel {
    var data = Generated(seed: 71)
    let amounts = (0..<400).map { $0 % 13 == 0 ? Double.nan : data.normal() }
    let weights = data.normals(400).map { 1_000 * $0 }
    let codes = (0..<400).map { _ in Int32(data.generator.below(5)) - 1 }
    let logits = (0..<400).map {
      (amounts[$0].isNaN ? 1 : amounts[$0]) + weights[$0] / 1_000 + Double(codes[$0]) / 2
    }
    let table = try TrainingTable(
      names: names, kinds: [.continuous, .continuous, .categorical],
      columns: [.numeric(amounts), .numeric(weights), .categorical(codes: codes, levels: colours)],
      outcomes: data.outcomes(logits))
    var parameters = TrainingParameters()
    parameters.threshold = .fixed(0.6)
    return try train(table, parameters: parameters).model
  }

  @Test func agreeWithWhatOthersMakeOfThem() throws {
    if ProcessInfo.processInfo.environment["RECORD_EXPORTS"] != nil {
      let model = try Self.model()
      try model.exportJSON().write(to: Self.url("export.json"), atomically: true, encoding: .utf8)
      try model.exportSQL(table: "rows").write(to: Self.url("export.sql"), atomically: true, encoding: .utf8)
      try model.exportPMML().write(to: Self.url("export.pmml"), atomically: true, encoding: .utf8)
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      try encoder.encode(Self.rows).write(to: Self.url("export-rows.json"))
      return
    }
    let model = try LogisticModel(json: String(contentsOf: Self.url("export.json"), encoding: .utf8))
    #expect(try model.exportSQL(table: "rows") == String(contentsOf: Self.url("export.sql"), encoding: .utf8))
    #expect(try model.exportPMML() == String(contentsOf: Self.url("export.pmml"), encoding: .utf8))
    let values: Values = try Fixture.load("export-values")
    #expect(values.sql.count == Self.rows.count && values.pmml.count == Self.rows.count)
    for (index, row) in Self.rows.enumerated() {
      let prediction = try model.probability(
        of: FeatureValues([
          row.amount.map { .number($0) } ?? .missing, row.weight.map { .number($0) } ?? .missing,
          row.colour.map { .category($0) } ?? .missing,
        ]))
      #expect(abs(prediction.probability - values.sql[index]) < 1e-12)
      #expect(abs(prediction.probability - values.pmml[index]) < 1e-12)
      #expect(prediction.label == values.sql_labels[index] && prediction.label == values.pmml_labels[index])
    }
  }
}
