package import Learning

/// The comparison of a new model with the one that was active when it was trained, by the policy `best`: the parameters of both, on
/// the same rows.
package struct ActivationComparison: Sendable, Codable, Equatable {
  /// The version that was active.
  package var champion: Int
  /// The KPI that decided.
  package var metric: Metric
  /// The loss of quality that did not matter.
  package var margin: Double
  /// Whether the new model is not worse by more than the margin.
  package var isNotWorse: Bool
  /// The differences, new − active.
  package var result: PairedComparison

  private enum CodingKeys: String, CodingKey {
    case champion, metric, margin
    case isNotWorse = "not_worse"
  }

  /// The comparison with `champion` as a policy judges it; `nil` for a policy that compares nothing.
  init?(_ result: PairedComparison, with champion: Int, by policy: Activation) {
    guard policy.policy == .best, let metric = policy.metric, metric.isCompared else { return nil }
    self.champion = champion
    self.metric = metric
    self.result = result
    margin = policy.margin ?? metric.defaultMargin
    isNotWorse = result[metric]?.isNotWorse(by: margin, isLowerBetter: metric.isLowerBetter) ?? true
  }

  /// Decodes the members of both this and ``result``.
  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    champion = try values.decode(Int.self, forKey: .champion)
    metric = try values.decode(Metric.self, forKey: .metric)
    margin = try values.decode(Double.self, forKey: .margin)
    isNotWorse = try values.decode(Bool.self, forKey: .isNotWorse)
    result = try PairedComparison(from: decoder)
  }

  /// Encodes the members of both this and ``result`` in one object.
  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(champion, forKey: .champion)
    try values.encode(metric.rawValue, forKey: .metric)
    try values.encode(margin, forKey: .margin)
    try values.encode(isNotWorse, forKey: .isNotWorse)
    try result.encode(to: encoder)
  }

  /// The comparison with the KPI alone that decided.
  var deciding: ActivationComparison {
    var comparison = self
    comparison.result.differences = result.differences.filter { $0.key == metric }
    return comparison
  }
}

/// The facts by which a finished training's model becomes the active one or does not.
struct ActivationEvidence: Sendable {
  /// The active model has become another one since, or the policy asks for a comparison that was not made.
  struct Outdated: Error {}

  /// The active version that was compared; `nil` if none was.
  var champion: Int?
  /// The comparison with its parameters; `nil` if they fit like the new model's.
  var comparison: PairedComparison?

  /// No facts, which is enough for every policy but `best`.
  static let none = ActivationEvidence()

  /// The decision about a new model.
  struct Decision {
    /// Whether it becomes the active model.
    var activates: Bool
    /// The comparison behind it.
    var comparison: ActivationComparison?

    /// The reason of a promotion under a policy.
    func reason(under policy: Activation) -> Promotion.Reason {
      policy.policy == .best && policy.metric?.isCompared == true ? .best : .newest
    }
  }

  /// Decides by the state of the dataset.
  ///
  /// - Throws: ``Outdated`` if the policy needs a comparison with the active model and there is none.
  func decision(by policy: Activation, _ state: ActiveVersion) throws(Outdated) -> Decision {
    guard let active = state.version else { return Decision(activates: policy.policy != .manual) }
    if state.isPinned || policy.policy == .manual { return Decision(activates: false) }
    guard policy.policy == .best, policy.metric?.isCompared == true else { return Decision(activates: true) }
    guard active == champion else { throw Outdated() }
    guard let comparison else { return Decision(activates: true) }
    let judged = ActivationComparison(comparison, with: active, by: policy)
    return Decision(activates: judged?.isNotWorse ?? true, comparison: judged)
  }
}

/// The active version of a dataset.
struct ActiveVersion: Sendable, Equatable {
  /// The version; `nil` if no model is active.
  var version: Int?
  /// Whether no training may replace it.
  var isPinned: Bool

  /// The state in columns of `datasets`. A pin of another version than the active one is over.
  init(version: Int?, pinned: Int?) {
    self.version = version
    isPinned = version != nil && version == pinned
  }
}
