import DomainTestSupport
import Foundation
import Learning
import Testing

@testable import VerdictCore

/// Tests of the rule that chooses the active model after a training.
@Suite struct ActivationTests {
  /// A metric, its value in the active and in the new model, and whether the new model becomes active.
  @Test(
    arguments: [
      (.rocAUC, 0.8, 0.9, true), (.rocAUC, 0.9, 0.8, false), (.rocAUC, 0.8, 0.8, true),
      (.logLoss, 0.5, 0.4, true), (.logLoss, 0.4, 0.5, false), (.logLoss, 0.4, 0.4, true),
      (.brierScore, 0.1, 0.2, false), (.accuracy, nil, 0.5, true), (.accuracy, 0.5, nil, false),
      (.accuracy, nil, nil, true),
    ] as [(Metric, Double?, Double?, Bool)])
  func `the better model becomes active`(metric: Metric, old: Double?, new: Double?, takesOver: Bool) throws {
    let rule = Activation(policy: .best, metric: metric)
    #expect(try rule.admits(kpis(metric, new), over: kpis(metric, old)) == takesOver)
    #expect(try Activation.newest.admits(kpis(metric, new), over: kpis(metric, old)))
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

  /// The KPIs of a small training with one value replaced.
  private func kpis(_ metric: Metric, _ value: Double?) throws -> KPIs {
    let x = (0..<40).map { Double($0 * 7 % 11) }
    let table = try TrainingTable(
      names: ["x"], kinds: [.continuous], columns: [.numeric(x)], outcomes: x.map { $0 > 5 ? 1 : 0 })
    let encoded = try JSONEncoder().encode(train(table, parameters: TrainingParameters()).kpis)
    var object = try #require(try JSONSerialization.jsonObject(with: encoded) as? [String: Any])
    object[metric.rawValue] = value ?? NSNull()
    return try JSONDecoder().decode(KPIs.self, from: JSONSerialization.data(withJSONObject: object))
  }
}
