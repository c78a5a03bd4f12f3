import Foundation
import Testing

@testable import Learning

/// Tests that KPIs mean what they say where random hold-outs flatter.
@Suite struct HonestSplitTests {
  private func auc(_ table: TrainingTable, _ method: ValidationMethod) throws -> Double {
    var parameters = TrainingParameters()
    parameters.validation = method
    return try #require(try train(table, parameters: parameters).kpis[.rocAUC])
  }

  @Test func `customers that are known tell nothing about new ones`() throws {
    // 200 customers with ten rows each; a customer's outcome is thrown once. The category names the customer.
    var data = Generated(seed: 200)
    let thrown = (0..<200).map { _ in UInt8(data.generator.below(2)) }
    let customers = (0..<2_000).map { Int32($0 % 200) }
    let names = (0..<200).map { "customer \($0)" }
    let table = try TrainingTable(
      names: ["customer", "noise"], kinds: [.categorical, .continuous],
      columns: [.categorical(codes: customers, levels: names), .numeric(data.normals(2_000))],
      outcomes: customers.map { thrown[Int($0)] }, attributes: RowAttributes(groups: customers))
    #expect(try auc(table, .holdout(fraction: 0.2)) > 0.999)
    #expect(try auc(table, .kfold(folds: 5)) > 0.999)
    #expect(abs(try auc(table, .holdout(fraction: 0.2, group: true)) - 0.5) < 0.12)
    #expect(abs(try auc(table, .kfold(folds: 5, group: true)) - 0.5) < 0.08)
  }

  @Test func `a relation that turns round is seen by time alone`() throws {
    var data = Generated(seed: 201)
    let rows = 4_000
    let x = data.normals(rows)
    let outcomes = data.outcomes(x.indices.map { ($0 < 3_200 ? 1.5 : -1.5) * x[$0] })
    let table = try TrainingTable(
      names: ["x"], kinds: [.continuous], columns: [.numeric(x)], outcomes: outcomes,
      attributes: RowAttributes(times: (0..<rows).map { Int64($0) }))
    #expect(try auc(table, .holdout(fraction: 0.2)) > 0.6)
    #expect(try auc(table, .time(fraction: 0.2)) < 0.25)
  }

  @Test func `rows that are left out are neither fitted on nor measured, but serve the model`() throws {
    // The rows before the cut would spoil the fit.
    var data = Generated(seed: 202)
    let rows = 1_000
    let day: Int64 = 86_400_000_000
    let x = data.normals(rows)
    let outcomes = x.indices.map { row -> UInt8 in
      (600..<800).contains(row) ? (x[row] > 0 ? 0 : 1) : (x[row] > 0 ? 1 : 0)
    }
    func result(_ times: [Int64]?, _ part: Range<Int>, _ method: ValidationMethod) throws -> TrainingResult<
      LogisticModel
    > {
      var parameters = TrainingParameters()
      parameters.validation = method
      return try train(
        try TrainingTable(
          names: ["x"], kinds: [.continuous], columns: [.numeric(Array(x[part]))],
          outcomes: Array(outcomes[part]), attributes: RowAttributes(times: times)), parameters: parameters)
    }
    let times = (0..<rows).map { Int64($0 / 10) * day }
    let spoilt = try result(times, 0..<rows, .time(fraction: 0.2))
    let gap = try result(times, 0..<rows, .time(fraction: 0.2, gapDays: 20))
    #expect(gap.kpis.confusionMatrix.total == 200 && spoilt.kpis.confusionMatrix.total == 200)
    #expect(try #require(gap.kpis[.logLoss]) < 0.7 * (try #require(spoilt.kpis[.logLoss])))
    // The served model is fitted on all rows, with or without a gap.
    #expect(abs(gap.model.intercept - spoilt.model.intercept) < 1e-6)
    #expect(gap.kpis[.labelsUsed] == 1_000)
    // The measured fit is that of the first 600 rows.
    let alone = try fit(
      try .numbers([Array(x[0..<600])], Array(outcomes[0..<600])), parameters: TrainingParameters())
    let scores = try alone.probabilities(try .numbers([Array(x[800...])], Array(outcomes[800...])))
    let expected = try KPIs(scores: scores, outcomes: Array(outcomes[800...]), threshold: 0.5)
    #expect(abs(try #require(gap.kpis[.logLoss]) - (try #require(expected[.logLoss]))) < 1e-9)
  }

  @Test func `stored methods without groups keep their meaning`() throws {
    func decode(_ json: String) throws -> ValidationMethod {
      try JSONDecoder().decode(ValidationMethod.self, from: Data(json.utf8))
    }
    #expect(try decode(#"{"method":"holdout","fraction":0.3}"#) == .holdout(fraction: 0.3))
    #expect(try decode(#"{"method":"kfold"}"#) == .kfold(folds: 5))
    #expect(
      try decode(#"{"method":"time","gap_days":1.5,"group":true}"#)
        == .time(fraction: 0.2, gapDays: 1.5, group: true))
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    for (method, json) in [
      (ValidationMethod.holdout(fraction: 0.25), #"{"fraction":0.25,"method":"holdout"}"#),
      (.kfold(folds: 7, group: true), #"{"folds":7,"group":true,"method":"kfold"}"#),
      (.time(fraction: 0.25), #"{"fraction":0.25,"gap_days":0,"method":"time"}"#),
      (.split(group: true), #"{"group":true,"method":"split"}"#), (.split(), #"{"method":"split"}"#),
    ] {
      #expect(String(decoding: try encoder.encode(method), as: UTF8.self) == json)
      #expect(try decode(json) == method)
    }
  }
}
