/// How the threshold is chosen from which on a probability becomes the decision 1. All rules but `fixed` use held-out
/// scores only.
public enum ThresholdRule: Sendable, Hashable {
  /// The metrics that `maximize` supports.
  public enum Objective: String, Sendable, Codable, Hashable, CaseIterable {
    /// Harmonic mean of precision and recall.
    case f1
    /// Matthews correlation coefficient.
    case mcc
    /// Share of right decisions.
    case accuracy
    /// Mean of recall and specificity.
    case balancedAccuracy = "balanced_accuracy"
    /// Youden's J: recall + specificity − 1.
    case youden
  }

  /// The metrics that `atLeast` supports.
  public enum Floor: String, Sendable, Codable, Hashable, CaseIterable {
    /// Share of true positives among the predicted positives.
    case precision
    /// Share of true positives among the positives.
    case recall
  }

  /// This number, 0…1. JSON: `0.5`.
  case fixed(Double)
  /// The threshold at which the metric is largest. JSON: `{"maximize": "f1"}`.
  case maximize(Objective)
  /// The threshold at which the metric reaches the value and its counterpart (recall for precision, precision for
  /// recall) is largest. JSON: `{"metric": "precision", "at_least": 0.9}`.
  case atLeast(Floor, Double)
  /// The threshold at which the errors cost least. JSON: `{"cost": {"false_positive": 1, "false_negative": 5}}`.
  case cost(falsePositive: Double, falseNegative: Double)

  func validate() throws(LearningError) {
    switch self {
    case .fixed(let value):
      guard value >= 0, value <= 1 else {
        throw .invalidParameter(pointer: "/threshold", detail: "threshold must be a number from 0 to 1.")
      }
    case .maximize: break
    case .atLeast(_, let value):
      guard value > 0, value <= 1 else {
        throw .invalidParameter(
          pointer: "/threshold/at_least", detail: "at_least must be a number above 0 and up to 1.")
      }
    case .cost(let falsePositive, let falseNegative):
      for (name, value) in [("false_positive", falsePositive), ("false_negative", falseNegative)] {
        guard value > 0, value <= 1e12 else {
          throw .invalidParameter(
            pointer: "/threshold/cost/\(name)", detail: "\(name) must be a number above 0 and up to 1e12.")
        }
      }
    }
  }
}

extension ThresholdRule: Codable {
  private enum CodingKeys: String, CodingKey {
    case maximize, metric, cost
    case atLeast = "at_least"
  }

  private struct Cost: Codable {
    var falsePositive: Double
    var falseNegative: Double

    enum CodingKeys: String, CodingKey {
      case falsePositive = "false_positive"
      case falseNegative = "false_negative"
    }
  }

  /// Reads a number or one of the objects shown at the cases.
  public init(from decoder: any Decoder) throws {
    if let value = try? decoder.singleValueContainer().decode(Double.self) {
      self = .fixed(value)
      return
    }
    let values = try decoder.container(keyedBy: CodingKeys.self)
    if values.contains(.maximize) {
      self = .maximize(try values.decode(Objective.self, forKey: .maximize))
    } else if values.contains(.cost) {
      let cost = try values.decode(Cost.self, forKey: .cost)
      self = .cost(falsePositive: cost.falsePositive, falseNegative: cost.falseNegative)
    } else {
      self = .atLeast(
        try values.decode(Floor.self, forKey: .metric), try values.decode(Double.self, forKey: .atLeast))
    }
  }

  /// Writes the form shown at the case.
  public func encode(to encoder: any Encoder) throws {
    if case .fixed(let value) = self {
      var single = encoder.singleValueContainer()
      try single.encode(value)
      return
    }
    var values = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .fixed: break
    case .maximize(let objective): try values.encode(objective, forKey: .maximize)
    case .atLeast(let floor, let value):
      try values.encode(floor, forKey: .metric)
      try values.encode(value, forKey: .atLeast)
    case .cost(let falsePositive, let falseNegative):
      try values.encode(Cost(falsePositive: falsePositive, falseNegative: falseNegative), forKey: .cost)
    }
  }
}
