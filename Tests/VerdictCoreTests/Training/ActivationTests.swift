import DomainTestSupport
import Foundation
import Learning
import Testing

@testable import VerdictCore

/// Which model predicts after a training.
@Suite struct ActivationTests {
  /// Metric, its value in the active and in the new model, whether the new one takes over.
  @Test(
    arguments: [
      ("roc_auc", 0.8, 0.9, true), ("roc_auc", 0.9, 0.8, false), ("roc_auc", 0.8, 0.8, true),
      ("log_loss", 0.5, 0.4, true), ("log_loss", 0.4, 0.5, false), ("log_loss", 0.4, 0.4, true),
      ("brier_score", 0.1, 0.2, false), ("accuracy", nil, 0.5, true), ("accuracy", 0.5, nil, false),
      ("accuracy", nil, nil, true),
    ] as [(String, Double?, Double?, Bool)])
  func `the better one predicts`(metric: String, old: Double?, new: Double?, takesOver: Bool) throws {
    let rule = Activation(policy: .best, metric: metric)
    #expect(try rule.admits(kpis(metric, new), over: kpis(metric, old)) == takesOver)
    #expect(try Activation.newest.admits(kpis(metric, new), over: kpis(metric, old)))
  }

  /// The KPIs of a small training with one figure replaced.
  private func kpis(_ metric: String, _ value: Double?) throws -> KPIs {
    let x = (0..<40).map { Double($0 * 7 % 11) }
    let table = try TrainingTable(
      names: ["x"], kinds: [.continuous], columns: [.numeric(x)], outcomes: x.map { $0 > 5 ? 1 : 0 })
    let encoded = try JSONEncoder().encode(train(table, parameters: TrainingParameters()).kpis)
    var object = try #require(try JSONSerialization.jsonObject(with: encoded) as? [String: Any])
    object[metric] = value ?? NSNull()
    return try JSONDecoder().decode(KPIs.self, from: JSONSerialization.data(withJSONObject: object))
  }
}
