import Foundation
import Testing

@testable import Learning

/// Tests of KPIs of rows with weights and groups against scikit-learn and against definitions.
@Suite struct WeightedMetricsTests {
  struct Case: Decodable {
    var name: String
    var scores: [Double]
    var outcomes: [UInt8]
    var weights: [Double]
    var clusters: [Int32]?
    var threshold: Double
    var confusion_matrix: WeightedConfusionMatrix
    var metrics: [String: Double]
    var effective_rows: Double
    var variances: [String: Double]?
    var student: Double?
    var roc: [[Double]]
  }
  struct Cases: Decodable { var cases: [Case] }

  @Test func `values are those of scikit-learn's sample_weight`() throws {
    for example in try Fixture.load("weighted_metrics", as: Cases.self).cases {
      let kpis = try KPIs(
        scores: example.scores, outcomes: example.outcomes, threshold: example.threshold,
        weights: example.weights,
        clusters: example.clusters)
      for (name, expected) in example.metrics {
        let value = try #require(kpis[try Metric(stored: name)], "\(example.name) \(name)")
        #expect(abs(value - expected) < 1e-12, "\(example.name) \(name)")
      }
      let matrix = try #require(kpis.weightedConfusionMatrix)
      for name in ConfusionMatrix.CodingKeys.allCases {
        let (found, expected) = (try value(of: matrix, name), try value(of: example.confusion_matrix, name))
        #expect(abs(found - expected) < 1e-11, "\(example.name) \(name)")
      }
      #expect(kpis.confusionMatrix.total == example.scores.count)
      #expect(abs(try #require(kpis.effectiveRows) - example.effective_rows) < 1e-9)
      let curves = Curves(scores: example.scores, outcomes: example.outcomes, weights: example.weights)
      guard example.roc.count <= 200 else { continue }
      #expect(curves.roc.count == example.roc.count)
      for (point, expected) in zip(curves.roc, example.roc) {
        #expect(abs(point.falsePositiveRate - expected[0]) < 1e-12)
        #expect(abs(point.truePositiveRate - expected[1]) < 1e-12)
      }
    }
  }

  private func value(of matrix: WeightedConfusionMatrix, _ name: ConfusionMatrix.CodingKeys) throws -> Double
  {
    let json = try JSONEncoder().encode(matrix)
    return try #require(JSONDecoder().decode([String: Double].self, from: json)[name.rawValue])
  }

  @Test func `clustered variances follow from the derivatives by each row's weight`() throws {
    let examples = try Fixture.load("weighted_metrics", as: Cases.self).cases.filter { $0.clusters != nil }
    let example = try #require(examples.first)
    let variances = try #require(example.variances)
    let quantile = try #require(example.student)
    let kpis = try KPIs(
      scores: example.scores, outcomes: example.outcomes, threshold: example.threshold,
      weights: example.weights,
      clusters: example.clusters)
    for (name, variance) in variances {
      let metric = try Metric(stored: name)
      let (value, interval) = (try #require(kpis[metric]), try #require(kpis.intervals[metric], "\(name)"))
      let half = quantile * variance.squareRoot()
      let expected: Interval? =
        switch metric {
        case .accuracy, .precision, .recall, .specificity:
          .wilson(value, rows: value * (1 - value) / variance, quantile: quantile)
        case .mcc: .fisher(value, variance: SamplingVariance(value: variance, quantile: quantile))
        case .prAUC: .logit(value, variance: SamplingVariance(value: variance, quantile: quantile))
        default: Interval(low: value - half, high: value + half)
        }
      let wanted = try #require(expected)
      // A cap at the effective number of rows makes the interval of a share wider, never narrower.
      let tolerance = 2e-3 * (wanted.high - wanted.low)
      #expect(interval.low < wanted.low + tolerance && interval.high > wanted.high - tolerance, "\(name)")
      if [.f1, .mcc, .prAUC, .rocAUC, .logLoss, .brierScore, .balancedAccuracy].contains(metric) {
        #expect(
          abs(interval.low - wanted.low) < tolerance && abs(interval.high - wanted.high) < tolerance,
          "\(name)")
      }
    }
  }

  @Test func `equal weights and single clusters change nothing`() throws {
    var data = Generated(seed: 5)
    let scores = (0..<300).map { _ in data.uniform() }
    let outcomes = data.outcomes(scores.map { 4 * $0 - 2 })
    let plain = try KPIs(scores: scores, outcomes: outcomes, threshold: 0.5)
    let equal = try KPIs(
      scores: scores, outcomes: outcomes, threshold: 0.5, weights: [Double](repeating: 0.7, count: 300))
    let single = try KPIs(
      scores: scores, outcomes: outcomes, threshold: 0.5, clusters: (0..<300).map { $0 % 2 == 0 ? -1 : $0 })
    #expect(single == plain)
    #expect(plain.effectiveRows == nil && plain.weightedConfusionMatrix == nil)
    #expect(abs(try #require(equal.effectiveRows) - 300) < 1e-9)
    for metric in Metric.allCases {
      #expect(abs((equal[metric] ?? -1) - (plain[metric] ?? -1)) < 1e-12, "\(metric)")
      #expect((equal.intervals[metric] == nil) == (plain.intervals[metric] == nil))
      guard let a = equal.intervals[metric], let b = plain.intervals[metric] else { continue }
      #expect(abs(a.low - b.low) < 1e-9 && abs(a.high - b.high) < 1e-9, "\(metric)")
    }
  }

  @Test func `members of weights are in the JSON with weights only`() throws {
    let weighted = try KPIs(
      scores: [0.1, 0.9, 0.4, 0.7], outcomes: [0, 1, 1, 0], threshold: 0.5, weights: [1, 2, 1, 4])
    let json = try JSONEncoder().encode(weighted)
    let object = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
    #expect(object["effective_rows"] as? Double == 64.0 / 22)
    #expect((object["weighted_confusion_matrix"] as? [String: Double])?["false_positive"] == 4)
    #expect((object["confusion_matrix"] as? [String: Int])?["false_positive"] == 1)
    #expect(object["accuracy"] as? Double == 3.0 / 8)
    #expect(try JSONDecoder().decode(KPIs.self, from: json) == weighted)
  }

  @Test func `bad weights and clusters are refused`() {
    for weights in [[1.0], [1, 0], [1, -1], [1, .nan], [1, .infinity]] {
      #expect(throws: LearningError.self) {
        try KPIs(scores: [0.2, 0.8], outcomes: [0, 1], threshold: 0.5, weights: weights)
      }
    }
    #expect(throws: LearningError.self) {
      try KPIs(scores: [0.2, 0.8], outcomes: [0, 1], threshold: 0.5, clusters: [1])
    }
  }

  @Test func `the threshold of least cost counts weights`() throws {
    var data = Generated(seed: 8)
    let scores = (0..<200).map { _ in data.uniform() }
    let outcomes = data.outcomes(scores.map { 3 * $0 - 1.5 })
    let weights = (0..<200).map { _ in data.uniform() < 0.2 ? 25.0 : 0.3 }
    func cost(_ threshold: Double, _ weights: [Double]) -> Double {
      zip(zip(scores, outcomes), weights).reduce(0) { sum, row in
        let ((score, outcome), weight) = row
        if score >= threshold { return outcome == 0 ? sum + 2 * weight : sum }
        return outcome == 1 ? sum + weight : sum
      }
    }
    let rule = ThresholdRule.cost(falsePositive: 2, falseNegative: 1)
    let chosen = ThresholdChoice(
      rule, ranking: ScoreRanking(scores: scores, outcomes: outcomes, weights: weights)
    ).threshold
    let least = (scores + [0, 1.1]).map { cost($0, weights) }.min() ?? 0
    #expect(abs(cost(chosen, weights) - least) < 1e-9)
    let plain = ThresholdChoice(rule, ranking: ScoreRanking(scores: scores, outcomes: outcomes)).threshold
    #expect(cost(plain, weights) > least + 1e-6)
  }

  @Test func `calibration counts weights and groups`() throws {
    let scores = (0..<400).map { Double($0 % 20) / 20 + 0.01 }
    let outcomes = (0..<400).map { UInt8(($0 / 20) % 2) }
    let weights = outcomes.map { $0 == 1 ? 3.0 : 1 }
    let plain = Curves(scores: scores, outcomes: outcomes, weights: weights).calibration
    let clustered = Curves(
      scores: scores, outcomes: outcomes, weights: weights, clusters: (0..<400).map { Int32($0 / 80) }
    ).calibration
    #expect(plain.count == 20)
    for (a, b) in zip(plain, clustered) {
      #expect(abs(a.observed - 0.75) < 1e-12 && a.rows == 20 && a.observed == b.observed)
      #expect(b.interval.low <= a.interval.low && b.interval.high >= a.interval.high)
    }
  }
}
