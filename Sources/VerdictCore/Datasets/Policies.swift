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
  /// Which KPIs are compared.
  public enum Source: String, Sendable, Codable, CaseIterable {
    /// Those of the training, measured on rows that the measured fit did not see.
    case validation
    /// Those of the predictions that were labelled afterwards, once there are enough of them.
    case live
  }

  /// How many predictions of a version must have been labelled before its live KPIs decide, unless said otherwise.
  public static let defaultMinLabels = 100

  /// The KPI that is compared, by its JSON name.
  public var metric: String
  /// The value that it must at least have; for errors (`log_loss`, `brier_score`) must at most have.
  public var minimum: Double
  /// Where its value comes from.
  public var source: Source
  /// For live KPIs: with fewer labelled predictions of a version, the validation's KPIs decide.
  public var minLabels: Int

  /// Makes a gate; see the properties.
  public init(
    metric: String, minimum: Double, source: Source = .validation, minLabels: Int = Gate.defaultMinLabels
  ) {
    self.metric = metric
    self.minimum = minimum
    self.source = source
    self.minLabels = minLabels
  }

  private enum CodingKeys: String, CodingKey {
    case metric, minimum, source
    case minLabels = "min_labels"
  }

  /// Reads a gate; one from before there were live KPIs has no source.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    metric = try values.decode(String.self, forKey: .metric)
    minimum = try values.decode(Double.self, forKey: .minimum)
    source = try values.decodeIfPresent(Source.self, forKey: .source) ?? .validation
    minLabels = try values.decodeIfPresent(Int.self, forKey: .minLabels) ?? Self.defaultMinLabels
  }
}

/// How a dataset names its outcome.
public struct LabelDefinition: Sendable, Codable, Equatable {
  /// The CSV column of the label, `label` unless said otherwise.
  public var name: String
  /// The text that means 1, where the data's own words are kept (`>50K`); `nil` for plain 0 and 1.
  public var positive: String?

  /// Whether a text can be an outcome's name: 1 to 1000 bytes in UTF-8.
  public static func isOutcome(_ text: String) -> Bool { (1...1_000).contains(text.utf8.count) }

  /// Makes a definition; see the properties.
  public init(name: String = "label", positive: String? = nil) {
    self.name = name
    self.positive = positive
  }
}
