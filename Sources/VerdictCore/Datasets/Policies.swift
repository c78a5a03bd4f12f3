import Learning

/// When a dataset trains by itself.
public struct AutoTrain: Sendable, Codable, Equatable {
  /// Whether it does at all.
  public var enabled: Bool
  /// How many labels must have been added, changed or deleted since the last training.
  public var minNewLabels: Int
  /// After how many seconds a smaller number of changes is trained on all the same; 0 for never.
  public var maxDelaySeconds: Int

  /// Off; once on, after every post.
  public static let off = AutoTrain(enabled: false, minNewLabels: 1, maxDelaySeconds: 0)

  /// Makes a policy; see the properties.
  public init(enabled: Bool, minNewLabels: Int, maxDelaySeconds: Int) {
    self.enabled = enabled
    self.minNewLabels = minNewLabels
    self.maxDelaySeconds = maxDelaySeconds
  }

  private enum CodingKeys: String, CodingKey {
    case enabled
    case minNewLabels = "min_new_labels"
    case maxDelaySeconds = "max_delay_seconds"
  }
}

/// Which model of a dataset predicts after a training.
public struct Activation: Sendable, Codable, Equatable {
  /// The kinds of rules.
  public enum Policy: String, Sendable, Codable, CaseIterable {
    /// The newest one.
    case newest
    /// The newest one, unless the active one is better by a KPI.
    case best
  }

  /// The kind of rule.
  public var policy: Policy
  /// The KPI that `best` compares, by its JSON name; `nil` with `newest`.
  public var metric: String?

  /// Every training's model predicts from then on.
  public static let newest = Activation(policy: .newest, metric: nil)

  /// Makes a policy; see the properties.
  public init(policy: Policy, metric: String?) {
    self.policy = policy
    self.metric = metric
  }

  private enum CodingKeys: String, CodingKey {
    case policy, metric
  }

  /// Writes both members, an absent metric as null.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(policy, forKey: .policy)
    try values.encode(metric, forKey: .metric)
  }
}

/// The rule below which a dataset's model may not predict.
public struct Gate: Sendable, Codable, Equatable {
  /// The KPI that is compared, by its JSON name.
  public var metric: String
  /// The value that it must at least have; for errors (`log_loss`, `brier_score`) must at most have.
  public var minimum: Double

  /// Makes a gate; see the properties.
  public init(metric: String, minimum: Double) {
    self.metric = metric
    self.minimum = minimum
  }
}

/// How a dataset names its outcome.
public struct LabelDefinition: Sendable, Codable, Equatable {
  /// The CSV column of the label, `label` unless said otherwise.
  public var name: String
  /// The text that means 1, where the data's own words are kept (`>50K`); `nil` for plain 0 and 1.
  public var positive: String?

  /// Makes a definition; see the properties.
  public init(name: String = "label", positive: String? = nil) {
    self.name = name
    self.positive = positive
  }
}
