import DomainTestSupport
import Foundation
import Learning
import Testing

@testable import VerdictCore

/// Tests of the rule that chooses the active model after a training.
@Suite struct ActivationTests {
  private static let active = ActiveVersion(version: 3, pinned: nil)

  /// A policy, the state of the dataset, and whether a new model becomes active without any comparison.
  @Test(
    arguments: [
      (.newest, nil, nil, true), (.newest, 3, nil, true), (.newest, 3, 3, false), (.newest, 3, 2, true),
      (.manual, nil, nil, false), (.manual, 3, nil, false), (.best, nil, nil, true), (.best, 3, 3, false),
    ] as [(Activation.Policy, Int?, Int?, Bool)])
  func `policies and pins decide`(
    policy: Activation.Policy, version: Int?, pinned: Int?, activates: Bool
  ) throws {
    let rule = Activation(policy: policy, metric: policy == .best ? .rocAUC : nil)
    let state = ActiveVersion(version: version, pinned: pinned)
    #expect(try ActivationEvidence.none.decision(by: rule, state).activates == activates)
  }

  /// A metric, its value in the active and in the new model, the interval of the difference, a margin, and whether the new model
  /// becomes active.
  @Test(
    arguments: [
      (.rocAUC, 0.8, 0.9, (0.05, 0.15), nil, true), (.rocAUC, 0.9, 0.8, (-0.15, -0.05), nil, false),
      (.rocAUC, 0.8, 0.8, (-0.019, 0.019), nil, true), (.rocAUC, 0.8, 0.8, (-0.021, 0.021), nil, false),
      (.rocAUC, 0.8, 0.8, (-0.021, 0.021), 0.03, true), (.rocAUC, 0.9, 0.8, (-0.15, -0.05), 1, true),
      (.logLoss, 0.5, 0.4, (-0.2, -0.01), nil, true), (.logLoss, 0.4, 0.5, (0.05, 0.2), nil, false),
      (.logLoss, 0.4, 0.4, (-0.5, 0.01), 0.015, true), (.logLoss, 0.4, 0.4, (-0.5, 0.02), 0.015, false),
      (.accuracy, nil, 0.5, nil, nil, true), (.accuracy, 0.5, nil, nil, nil, false),
      (.accuracy, nil, nil, nil, nil, true), (.rocAUC, 1, 1, nil, nil, true),
    ] as [(Metric, Double?, Double?, (Double, Double)?, Double?, Bool)])
  func `the newer model becomes active if it is not worse`(
    metric: Metric, old: Double?, new: Double?, interval: (Double, Double)?, margin: Double?, takesOver: Bool
  ) throws {
    let rule = Activation(policy: .best, metric: metric, margin: margin)
    let evidence = ActivationEvidence(
      champion: 3, comparison: try Self.comparison(metric, old, new, interval))
    let decision = try evidence.decision(by: rule, Self.active)
    #expect(decision.activates == takesOver && decision.comparison?.isNotWorse == takesOver)
    #expect(decision.comparison?.margin == margin ?? metric.defaultMargin)
  }

  @Test func `the same parameters need no comparison, and another active model needs another one`() throws {
    let rule = Activation(policy: .best, metric: .rocAUC)
    let same = try ActivationEvidence(champion: 3).decision(by: rule, Self.active)
    #expect(same.activates && same.comparison == nil)
    #expect(throws: ActivationEvidence.Outdated.self) {
      try ActivationEvidence(champion: 2).decision(by: rule, Self.active)
    }
    #expect(throws: ActivationEvidence.Outdated.self) {
      try ActivationEvidence.none.decision(by: rule, Self.active)
    }
    // A stored rule by a count, which no rows decide about.
    let count = Activation(policy: .best, metric: .labelsUsed)
    #expect(try ActivationEvidence.none.decision(by: count, Self.active).activates)
  }

  @Test func `stored rules are decoded, and an unknown metric is a specific error`() throws {
    let rule = #"{"policy":"best","metric":"log_loss"}"#
    let gate = #"{"metric":"f1","minimum":0.5}"#
    let decoder = JSONDecoder()
    #expect(
      try decoder.decode(Activation.self, from: Data(rule.utf8))
        == Activation(policy: .best, metric: .logLoss))
    #expect(
      try decoder.decode(Gate.self, from: Data(gate.utf8))
        == Gate(metric: .f1, minimum: 0.5, bound: .estimate))
    #expect(throws: UnknownStoredName(kind: "KPI", name: "f2")) {
      try decoder.decode(Gate.self, from: Data(gate.replacing("f1", with: "f2").utf8))
    }
  }

  /// A comparison in its stored form, with one KPI.
  private static func comparison(
    _ metric: Metric, _ old: Double?, _ new: Double?, _ interval: (Double, Double)?
  ) throws -> PairedComparison {
    var difference: [String: Any] = ["test": "bootstrap"]
    if let old { difference["champion"] = old }
    if let new { difference["challenger"] = new }
    if let old, let new { difference["difference"] = new - old }
    if let interval { difference["interval"] = [interval.0, interval.1] }
    let stored: [String: Any] = [
      "rows_measured": 100, "positives": 40, "kpis": [metric.rawValue: difference],
    ]
    return try JSONDecoder().decode(
      PairedComparison.self, from: JSONSerialization.data(withJSONObject: stored))
  }
}
