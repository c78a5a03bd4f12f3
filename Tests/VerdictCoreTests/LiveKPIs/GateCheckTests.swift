import Foundation
import Learning
import Testing

@testable import VerdictCore

/// Tests of the comparison of a KPI with a gate.
@Suite struct GateCheckTests {
  /// Ninety of a hundred decisions are right.
  private static let matrix = ConfusionMatrix(
    truePositive: 45, falsePositive: 5, trueNegative: 45, falseNegative: 5)

  private func refusal(_ gate: Gate, _ kpis: KPIs) -> GateRefusal? {
    do {
      try gate.check(
        GateEvidence(validation: GateMeasurement(gate.metric, of: kpis)), modelVersion: 3)
      return nil
    } catch DomainError.belowGate(let refusal) {
      return refusal
    } catch {
      Issue.record(error)
      return nil
    }
  }

  @Test func `a lower bound compares the careful end`() throws {
    let kpis = KPIs(Self.matrix, threshold: 0.5)
    let low = try #require(kpis.intervals[.accuracy]).low
    #expect(low < 0.84 && low > 0.8)
    #expect(refusal(Gate(metric: .accuracy, minimum: 0.9, bound: .estimate), kpis) == nil)
    #expect(refusal(Gate(metric: .accuracy, minimum: low, bound: .lower), kpis) == nil)
    let refused = try #require(refusal(Gate(metric: .accuracy, minimum: low.nextUp), kpis))
    #expect(refused.measured.value == 0.9 && refused.measured.interval?.low == low)
    #expect(refused.gate.bound == .lower && refused.modelVersion == 3 && refused.labels == nil)
    #expect(refused.reason == nil)
  }

  @Test func `the careful end of a loss is the upper one`() throws {
    let scores = (0..<40).map { 0.05 + 0.9 * Double($0) / 39 }
    let kpis = try KPIs(scores: scores, outcomes: (0..<40).map { $0 > 20 ? 1 : 0 }, threshold: 0.5)
    let interval = try #require(kpis.intervals[.logLoss])
    #expect(refusal(Gate(metric: .logLoss, minimum: interval.high), kpis) == nil)
    #expect(refusal(Gate(metric: .logLoss, minimum: interval.high.nextDown), kpis) != nil)
    let estimate = Gate(metric: .logLoss, minimum: interval.high.nextDown, bound: .estimate)
    #expect(refusal(estimate, kpis) == nil)
  }

  @Test func `a KPI without an interval opens no gate on the interval`() throws {
    let kpis = try KPIs(scores: [0.2, 0.8], outcomes: [0, 1], threshold: 0.5)
    #expect(kpis[.rocAUC] == 1)
    #expect(refusal(Gate(metric: .rocAUC, minimum: 0.9, bound: .estimate), kpis) == nil)
    let refused = try #require(refusal(Gate(metric: .rocAUC, minimum: 0), kpis))
    #expect(refused.measured.value == 1 && refused.measured.interval == nil)
    #expect(refused.reason?.contains("too few") == true)
  }

  @Test func `counts are compared as they are`() {
    let kpis = KPIs(Self.matrix, threshold: 0.5)
    for metric in [Metric.labelsUsed, .validationRows] {
      #expect(refusal(Gate(metric: metric, minimum: 100), kpis) == nil)
      #expect(refusal(Gate(metric: metric, minimum: 101), kpis) != nil)
    }
  }

  @Test func `an undefined KPI opens no gate`() throws {
    let kpis = KPIs(
      ConfusionMatrix(truePositive: 0, falsePositive: 0, trueNegative: 9, falseNegative: 0), threshold: 0.5)
    for bound in Gate.Bound.allCases {
      let refused = try #require(refusal(Gate(metric: .recall, minimum: 0, bound: bound), kpis))
      #expect(refused.reason?.contains("undefined") == true)
    }
  }

  @Test func `a stored gate without a bound compares the estimate`() throws {
    let stored = Data(#"{"metric":"f1","minimum":0.5,"source":"live","min_labels":7}"#.utf8)
    let gate = try JSONDecoder().decode(Gate.self, from: stored)
    #expect(gate.bound == .estimate)
    let written = try JSONDecoder().decode(Gate.self, from: JSONEncoder().encode(gate))
    #expect(written == gate)
  }
}
