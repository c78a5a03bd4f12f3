import Foundation
import Testing

@testable import Learning

/// Tests of what an additive model says of itself and of its predictions.
@Suite struct AdditiveExplanationTests {
  @Test func `contributions and the intercept sum to the log-odds`() throws {
    var data = Generated(seed: 9)
    let model = data.hostileAdditive()
    let predictor = model.predictor()
    var joint = 0
    for _ in 0..<500 {
      let row = data.row(of: model)
      var warnings: [PredictionWarning] = []
      let logit = predictor.logit(try predictor.slots(row, warnings: &warnings))
      let explanation = try predictor.explain(row)
      #expect(explanation.contributions.map(\.feature) == model.featureNames)
      #expect(explanation.contributions.map(\.value) == row.values)
      #expect(
        explanation.pairs.map { [$0.first, $0.second] }
          == model.pairs.map { [$0.first.feature, $0.second.feature] })
      let split = explanation.splittingPairs
      #expect(split.pairs.isEmpty)
      for each in [explanation, split] {
        let features = each.contributions.reduce(0) { $0 + $1.contribution }
        let sum = each.intercept + features + each.pairs.reduce(0) { $0 + $1.contribution }
        #expect(abs(sum - logit) < 1e-12)
      }
      joint += explanation.pairs.count { $0.contribution != 0 }
    }
    #expect(joint > 1_000)
  }

  @Test func `a pair is split by halves to its features`() throws {
    let row = FeatureValues([.number(20), .number(1), .category("a")])
    let explanation = try AdditivePredictorTests.byHand.predictor().explain(row)
    #expect(explanation.contributions.map(\.contribution) == [2, 8, 32])
    #expect(
      explanation.pairs == [PairContribution(first: 0, second: 2, features: ["x", "c"], contribution: 2000)])
    let split = explanation.splittingPairs
    #expect(split.contributions.map(\.contribution) == [1002, 8, 1032])
    // The means of x and c over the 30 training rows, missing ones included.
    let mean = -27.5 / 30
    #expect(explanation.contributions[0].deviation == 2 - mean)
    #expect(split.contributions[0].deviation == 1000 + explanation.contributions[0].deviation)
    #expect(split.contributions[1] == explanation.contributions[1])
  }

  @Test func `the JSON form reads back exactly`() throws {
    var data = Generated(seed: 10)
    let model = data.hostileAdditive()
    let json = try model.exportJSON()
    #expect(try AdditiveModel(json: json) == model)
    #expect(try AdditiveModel(json: json).exportJSON() == json)
    #expect(throws: DecodingError.self) { try AdditiveModel(json: "{}") }
    let members = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    #expect(members["format"] as? Int == 1 && (members["pairs"] as? [Any])?.count == model.pairs.count)
  }

  @Test func `the description has a member for each thing that is shown`() throws {
    let model = AdditivePredictorTests.byHand
    let members = model.describe()
    #expect(
      members.map(\.name) == [
        "intercept", "intercept_standard_error", "iterations", "training_loss", "features", "pairs",
        "selection",
      ])
    guard case .list(let features?) = members[4].value, case .members(let first) = features[0],
      case .list(let pairs?) = members[5].value, case .members(let pair) = pairs[0]
    else {
      Issue.record("Features or pairs are no lists.")
      return
    }
    #expect(first.contains(.init("name", .text("x"))) && first.contains(.init("bins", .count(3))))
    #expect(pair.contains(.init("features", .list([.text("x"), .text("c")]))))
    var given = model
    given.selection = nil
    #expect(given.describe().map(\.name).last == "pairs")
  }

  @Test func `a linear model shows a selection only if it has one`() throws {
    var data = Generated(seed: 11)
    var model = try fit(try data.table(rows: 200), parameters: TrainingParameters())
    #expect(model.describe().last?.name == "coefficients")
    model.selection = ModelSelection(
      family: "linear", criterion: "aic", candidates: [.init(family: "linear", score: 1)], reason: "Best.")
    guard case .members(let members) = model.describe().last?.value else {
      Issue.record("The selection has no members.")
      return
    }
    #expect(members.map(\.name) == ["family", "criterion", "candidates", "reason"])
  }

  @Test func `renamed categories keep their values`() throws {
    let model = AdditivePredictorTests.byHand
    let renamed = model.renamingCategories { feature, category in feature + category }
    #expect(renamed.features[2].categories == ["ca", "cé"])
    let row: [FeatureValue] = [.number(20), .number(1)]
    #expect(
      try renamed.probability(of: FeatureValues(row + [.category("ca")]))
        == model.probability(of: FeatureValues(row + [.category("a")])))
    // A name that another category has changes nothing; another normal form is another name.
    #expect(model.renamingCategories { _, _ in "a" }.features[2].categories == ["a", "é"])
    let decomposed = model.renamingCategories { _, name in name.decomposedStringWithCanonicalMapping }
    #expect(decomposed.features[2].categories?[1].utf8.count == 3)
  }
}
