/// The family of models that a training fits.
public enum ModelFamily: String, Sendable, Codable, Hashable, CaseIterable {
  /// A logistic regression.
  case linear
  /// A generalised additive model of step functions, with pairs.
  case additive
  /// Of both, the one that predicts better, chosen on the rows of each fit alone.
  case auto

  /// Whether a training of the family may fit an additive model, so that ``AdditiveParameters`` apply.
  public var hasAdditiveParameters: Bool { self != .linear }
}
