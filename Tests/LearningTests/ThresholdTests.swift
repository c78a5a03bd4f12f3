import Foundation
import Testing

@testable import Learning

/// Tests of the rules that choose the decision threshold.
@Suite struct ThresholdTests {
  private let ranking: ScoreRanking
  private let scores: [Double]
  private let outcomes: [UInt8]

  init() {
    var data = Generated(seed: 41)
    scores = (0..<300).map { _ in (data.uniform() * 40).rounded() / 40 }
    outcomes = data.outcomes(scores.map { 6 * $0 - 4 })
    ranking = ScoreRanking(scores: scores, outcomes: outcomes)
  }

  private func kpis(_ threshold: Double) throws -> KPIs {
    try KPIs(scores: scores, outcomes: outcomes, threshold: threshold)
  }

  @Test(arguments: ThresholdRule.Objective.allCases)
  func `no other threshold is better`(_ objective: ThresholdRule.Objective) throws {
    func value(_ kpis: KPIs) -> Double {
      switch objective {
      case .f1: kpis[.f1] ?? -1
      case .mcc: kpis[.mcc] ?? -1
      case .accuracy: kpis[.accuracy] ?? -1
      case .balancedAccuracy: kpis[.balancedAccuracy] ?? -1
      case .youden: (kpis[.recall] ?? 0) + (kpis[.specificity] ?? 0) - 1
      }
    }
    let chosen = value(try kpis(ThresholdChoice(.maximize(objective), ranking: ranking).threshold))
    for step in 0...1_000 { #expect(value(try kpis(Double(step) / 1_000)) <= chosen + 1e-12) }
  }

  @Test func `a floor holds and the other metric is maximal`() throws {
    let choice = ThresholdChoice(.atLeast(.precision, 0.8), ranking: ranking)
    #expect(choice.warning == nil)
    let chosen = try kpis(choice.threshold)
    #expect(try #require(chosen[.precision]) >= 0.8)
    for step in 0...1_000 {
      let other = try kpis(Double(step) / 1_000)
      if let precision = other[.precision], precision >= 0.8 {
        #expect(try #require(other[.recall]) <= (try #require(chosen[.recall])))
      }
    }
    let recall = try kpis(ThresholdChoice(.atLeast(.recall, 0.9), ranking: ranking).threshold)
    #expect(try #require(recall[.recall]) >= 0.9)
  }

  @Test func `an unreachable floor is reported`() {
    let hopeless = ScoreRanking(scores: [0.1, 0.9, 0.5, 0.5], outcomes: [1, 0, 1, 0])
    let choice = ThresholdChoice(.atLeast(.precision, 0.99), ranking: hopeless)
    #expect(choice.warning?.kind == .thresholdOutOfReach)
    #expect((0...1).contains(choice.threshold))
  }

  @Test func `costly false negatives lower the threshold`() throws {
    let misses = ThresholdChoice(.cost(falsePositive: 1, falseNegative: 10), ranking: ranking).threshold
    let alarms = ThresholdChoice(.cost(falsePositive: 10, falseNegative: 1), ranking: ranking).threshold
    #expect(misses < 0.5 && alarms > 0.5)
    func cost(_ kpis: KPIs) -> Int {
      10 * kpis.confusionMatrix.falseNegative + kpis.confusionMatrix.falsePositive
    }
    let least = cost(try kpis(misses))
    for step in 0...1_000 { #expect(cost(try kpis(Double(step) / 1_000)) >= least) }
  }

  @Test(arguments: [
    ThresholdRule.maximize(.f1), .maximize(.youden), .atLeast(.precision, 0.8), .atLeast(.recall, 0.9),
    .cost(falsePositive: 1, falseNegative: 4),
  ])
  func `the threshold is chosen on held-out scores only`(_ rule: ThresholdRule) throws {
    var data = Generated(seed: 43)
    let table = try data.table(rows: 600)
    var parameters = TrainingParameters()
    parameters.threshold = rule
    parameters.seed = 5
    let result = try train(table, parameters: parameters)
    // Reproduces the split by hand: fits on one part and scores the other.
    let plan = try ValidationPlan(outcomes: table.outcomes, method: parameters.validation, seed: 5)
    func rows(_ fold: UInt8) throws -> TrainingTable {
      try table.rows { plan.folds.folds[$0] == fold }
    }
    let held = try rows(0)
    let scores = try fit(try rows(1), parameters: parameters).probabilities(held)
    let choice = ThresholdChoice(rule, ranking: ScoreRanking(scores: scores, outcomes: held.outcomes))
    #expect(abs(result.model.threshold - choice.threshold) < 1e-9)
    let expected = try KPIs(scores: scores, outcomes: held.outcomes, threshold: choice.threshold)
    #expect(result.kpis.confusionMatrix == expected.confusionMatrix)
  }

  @Test func `the model uses the threshold at which its KPIs were measured`() throws {
    var data = Generated(seed: 42)
    var parameters = TrainingParameters()
    parameters.threshold = .maximize(.f1)
    parameters.validation = .kfold(folds: 4)
    let result = try train(try data.table(rows: 500), parameters: parameters)
    #expect(result.model.threshold == result.kpis.threshold && result.kpis.threshold != 0.5)
  }

  @Test func `every rule survives JSON`() throws {
    for json in [
      "0.3", #"{"maximize":"balanced_accuracy"}"#, #"{"at_least":0.9,"metric":"precision"}"#,
      #"{"cost":{"false_negative":5,"false_positive":1}}"#,
    ] {
      let rule = try JSONDecoder().decode(ThresholdRule.self, from: Data(json.utf8))
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      #expect(String(decoding: try encoder.encode(rule), as: UTF8.self) == json)
    }
  }
}
