import Foundation
import Testing

@testable import Learning

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
  func noOtherThresholdIsBetter(_ objective: ThresholdRule.Objective) throws {
    func merit(_ kpis: KPIs) -> Double {
      switch objective {
      case .f1: kpis.f1 ?? -1
      case .mcc: kpis.mcc ?? -1
      case .accuracy: kpis.accuracy ?? -1
      case .balancedAccuracy: kpis.balancedAccuracy ?? -1
      case .youden: (kpis.recall ?? 0) + (kpis.specificity ?? 0) - 1
      }
    }
    let chosen = merit(try kpis(ThresholdChoice(.maximize(objective), ranking: ranking).threshold))
    for step in 0...1_000 { #expect(merit(try kpis(Double(step) / 1_000)) <= chosen + 1e-12) }
  }

  @Test func aFloorIsKeptAndItsCounterpartLargest() throws {
    let choice = ThresholdChoice(.atLeast(.precision, 0.8), ranking: ranking)
    #expect(choice.warning == nil)
    let chosen = try kpis(choice.threshold)
    #expect(try #require(chosen.precision) >= 0.8)
    for step in 0...1_000 {
      let other = try kpis(Double(step) / 1_000)
      if let precision = other.precision, precision >= 0.8 {
        #expect(try #require(other.recall) <= (try #require(chosen.recall)))
      }
    }
    let recall = try kpis(ThresholdChoice(.atLeast(.recall, 0.9), ranking: ranking).threshold)
    #expect(try #require(recall.recall) >= 0.9)
  }

  @Test func aFloorOutOfReachIsSaid() {
    let hopeless = ScoreRanking(scores: [0.1, 0.9, 0.5, 0.5], outcomes: [1, 0, 1, 0])
    let choice = ThresholdChoice(.atLeast(.precision, 0.99), ranking: hopeless)
    #expect(choice.warning?.kind == .thresholdOutOfReach)
    #expect((0...1).contains(choice.threshold))
  }

  @Test func dearMissesLowerTheThreshold() throws {
    let misses = ThresholdChoice(.cost(falsePositive: 1, falseNegative: 10), ranking: ranking).threshold
    let alarms = ThresholdChoice(.cost(falsePositive: 10, falseNegative: 1), ranking: ranking).threshold
    #expect(misses < 0.5 && alarms > 0.5)
    func cost(_ kpis: KPIs) -> Int {
      10 * kpis.confusionMatrix.falseNegative + kpis.confusionMatrix.falsePositive
    }
    let least = cost(try kpis(misses))
    for step in 0...1_000 { #expect(cost(try kpis(Double(step) / 1_000)) >= least) }
  }

  @Test func theModelServesWithTheThresholdThatItsKPIsWereMeasuredAt() throws {
    var data = Generated(seed: 42)
    var parameters = TrainingParameters()
    parameters.threshold = .maximize(.f1)
    parameters.validation = .kfold(folds: 4)
    let result = try train(try data.table(rows: 500), parameters: parameters)
    #expect(result.model.threshold == result.kpis.threshold && result.kpis.threshold != 0.5)
  }

  @Test func allFormsOfTheRuleSurviveJSON() throws {
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
