import Foundation
import Testing

@testable import Learning

/// Tests of the KPIs against scikit-learn.
@Suite struct MetricsTests {
  struct Case: Decodable {
    var name: String
    var scores: [Double]
    var outcomes: [UInt8]
    var threshold: Double
    var confusion_matrix: ConfusionMatrix
    var metrics: [String: Double]
    var intervals: [String: Interval]
    var roc: [[Double]]
  }
  struct Cases: Decodable { var cases: [Case] }

  @Test func `metrics agree with scikit-learn`() throws {
    for example in try Fixture.load("metrics", as: Cases.self).cases {
      let kpis = try KPIs(scores: example.scores, outcomes: example.outcomes, threshold: example.threshold)
      #expect(kpis.confusionMatrix == example.confusion_matrix)
      for (name, expected) in example.metrics {
        let value = try #require(kpis[try Metric(stored: name)], "\(example.name) \(name)")
        #expect(abs(value - expected) < 1e-12, "\(example.name) \(name)")
      }
      for (name, expected) in example.intervals {
        let interval = try #require(kpis.intervals[Metric(stored: name)], "\(example.name) \(name)")
        #expect(abs(interval.low - expected.low) < 1e-12, "\(example.name) \(name)")
        #expect(abs(interval.high - expected.high) < 1e-12, "\(example.name) \(name)")
      }
    }
  }

  @Test func `a ratio with denominator zero is null`() throws {
    let kpis = try KPIs(scores: [0.1, 0.2, 0.3], outcomes: [0, 0, 0], threshold: 0.5)
    for metric in [Metric.precision, .recall, .balancedAccuracy, .f1, .mcc, .rocAUC, .prAUC] {
      #expect(kpis[metric] == nil, "\(metric)")
    }
    #expect(kpis[.specificity] == 1)
    let json = try #require(
      try JSONSerialization.jsonObject(with: JSONEncoder().encode(kpis)) as? [String: Any])
    #expect(json["precision"] is NSNull)
    #expect(json.keys.count == 19)
    #expect(try JSONDecoder().decode(KPIs.self, from: JSONEncoder().encode(kpis)) == kpis)
  }

  @Test func `scores outside 0 to 1 are refused`() {
    for score in [Double.nan, -0.1, 1.5, .infinity] {
      #expect(throws: LearningError.self) { try KPIs(scores: [score], outcomes: [1], threshold: 0.5) }
    }
    #expect(throws: LearningError.self) { try KPIs(scores: [0.5], outcomes: [1, 0], threshold: 0.5) }
  }

  @Test func `every number in the JSON is a metric`() throws {
    let kpis = try KPIs(scores: [0.1, 0.9, 0.4, 0.7], outcomes: [0, 1, 1, 0], threshold: 0.5)
    let json = try JSONDecoder().decode([String: Lenient].self, from: JSONEncoder().encode(kpis))
    #expect(Set(json.keys) == Set(Metric.allCases.map(\.rawValue) + ["confusion_matrix", "intervals"]))
    for metric in Metric.allCases {
      #expect(json[metric.rawValue]?.number == kpis[metric], "\(metric)")
    }
  }

  /// Decodes a number, and ignores other values.
  private struct Lenient: Decodable {
    var number: Double?

    init(from decoder: any Decoder) throws {
      number = try? decoder.singleValueContainer().decode(Double.self)
    }
  }

  @Test func `shortened curves keep their ends and area`() throws {
    var data = Generated(seed: 21)
    let scores = (0..<5_000).map { _ in data.uniform() }
    let outcomes = data.outcomes(scores.map { 4 * $0 - 2 })
    let curves = Curves(scores: scores, outcomes: outcomes)
    #expect(curves.roc.count == 200 && curves.precisionRecall.count <= 200 && curves.calibration.count == 20)
    let first = try #require(curves.roc.first)
    let last = try #require(curves.roc.last)
    #expect(first.falsePositiveRate == 0 && first.truePositiveRate == 0 && first.threshold == nil)
    #expect(last.falsePositiveRate == 1 && last.truePositiveRate == 1)
    let area = zip(curves.roc, curves.roc.dropFirst()).reduce(0) { sum, pair in
      let width = pair.1.falsePositiveRate - pair.0.falsePositiveRate
      return sum + width * (pair.0.truePositiveRate + pair.1.truePositiveRate) / 2
    }
    let exact = try #require(ScoreRanking(scores: scores, outcomes: outcomes).rocAUC)
    #expect(abs(area - exact) < 1e-3)
    #expect(curves.calibration.reduce(0) { $0 + $1.rows } == 5_000)
  }

  @Test(arguments: [7, 3_001]) func `shortened curves keep their corners`(_ alarms: Int) throws {
    // By decreasing score: some negatives, all positives, the other negatives.
    let outcomes = (0..<30_000).map { UInt8($0 >= alarms && $0 < alarms + 14_003 ? 1 : 0) }
    let scores = (0..<30_000).map { 1 - Double($0 + 1) / 30_001 }
    let curves = Curves(scores: scores, outcomes: outcomes)
    let turn = Double(alarms) / Double(30_000 - 14_003)
    #expect(curves.roc.count <= 200 && curves.precisionRecall.count <= 200)
    for rate in [0.0, 1] {
      #expect(curves.roc.contains { $0.falsePositiveRate == turn && $0.truePositiveRate == rate })
    }
    let best = 14_003 / Double(14_003 + alarms)
    #expect(curves.precisionRecall.contains { $0.recall == 1 && $0.precision == best })
    #expect(curves.precisionRecall.first?.precision == 0 && curves.precisionRecall.last?.recall == 1)
  }

  @Test func `short curves keep every point`() throws {
    for example in try Fixture.load("metrics", as: Cases.self).cases where example.roc.count <= 200 {
      let points = Curves(scores: example.scores, outcomes: example.outcomes).roc
      #expect(points.count == example.roc.count)
      for (point, expected) in zip(points, example.roc) {
        #expect(abs(point.falsePositiveRate - expected[0]) < 1e-12)
        #expect(abs(point.truePositiveRate - expected[1]) < 1e-12)
      }
    }
  }
}
