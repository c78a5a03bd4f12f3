import Foundation
import Testing

@testable import Learning

/// Tests of the definitions of the KPIs in ``Metric``.
@Suite struct MetricDefinitionTests {
  private static let outcomes = (0..<200).map { UInt8($0 % 3 == 0 ? 1 : 0) }

  /// The KPIs of a model that scores `wrong` of ten rows wrongly.
  private func kpis(wrong: Int) throws -> KPIs {
    let scores = Self.outcomes.enumerated().map { row, outcome in
      let seen = row % 10 < wrong ? 1 - Double(outcome) : Double(outcome)
      return 0.2 + 0.6 * seen + 0.1 * Double(row % 7) / 7
    }
    return try KPIs(scores: scores, outcomes: Self.outcomes, threshold: 0.5)
  }

  @Test(arguments: Metric.allCases) func `the JSON name is decoded again`(_ metric: Metric) throws {
    let json = try JSONEncoder().encode([metric])
    #expect(String(decoding: json, as: UTF8.self) == "[\"\(metric.rawValue)\"]")
    #expect(try JSONDecoder().decode([Metric].self, from: json) == [metric])
  }

  @Test func `an unknown name is a specific error`() {
    #expect(throws: UnknownStoredName(kind: "KPI", name: "auc")) {
      try JSONDecoder().decode([Metric].self, from: Data(#"["auc"]"#.utf8))
    }
  }

  @Test(arguments: Metric.allCases) func `the better model has the better value`(_ metric: Metric) throws {
    let (good, bad) = (try #require(kpis(wrong: 1)[metric]), try #require(kpis(wrong: 4)[metric]))
    #expect(metric.isAtLeastAsGood(good, as: bad))
    #expect(metric.isAtLeastAsGood(bad, as: good) == (good == bad))
    let isError = metric == .logLoss || metric == .brierScore
    #expect(metric.isLowerBetter == isError)
  }

  @Test(arguments: Metric.allCases) func `the range contains values and intervals`(_ metric: Metric) throws {
    for wrong in [0, 2, 5, 10] {
      let kpis = try kpis(wrong: wrong)
      #expect(kpis[metric].map(metric.range.contains) ?? true)
      if let interval = kpis.intervals[metric] {
        #expect(metric.range.contains(interval.low) && metric.range.contains(interval.high))
      }
    }
  }

  @Test(arguments: Metric.allCases) func `the interval contains the value`(_ metric: Metric) throws {
    let kpis = try kpis(wrong: 2)
    let value = try #require(kpis[metric])
    let without: Set<Metric> = [
      .labelsUsed, .positives, .negatives, .validationRows, .threshold, .baselineAccuracy,
    ]
    #expect((kpis.intervals[metric] == nil) == without.contains(metric))
    if let interval = kpis.intervals[metric] {
      #expect(interval.low < value && value < interval.high)
    }
  }

  @Test(arguments: Metric.allCases) func `the confusion matrix suffices unless rows are needed`(
    _ metric: Metric
  ) throws {
    let kpis = try kpis(wrong: 2)
    let counted = KPIs(kpis.confusionMatrix, threshold: 0.5)
    let ofRows: Set<Metric> = [.rocAUC, .prAUC, .logLoss, .brierScore]
    #expect(metric.needsRows == ofRows.contains(metric))
    #expect(counted[metric] == (metric.needsRows ? nil : kpis[metric]))
    #expect(counted.intervals[metric] == (metric.needsRows ? nil : kpis.intervals[metric]))
  }

  @Test func `stored KPIs without a newer metric are decoded`() throws {
    let kpis = try kpis(wrong: 2)
    var object = try #require(
      try JSONSerialization.jsonObject(with: JSONEncoder().encode(kpis)) as? [String: Any])
    object["mcc"] = nil
    let read = try JSONDecoder().decode(KPIs.self, from: JSONSerialization.data(withJSONObject: object))
    #expect(read[.mcc] == nil)
    #expect(read[.rocAUC] == kpis[.rocAUC])
  }
}
