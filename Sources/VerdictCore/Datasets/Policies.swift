package import Learning
package import RowFormats

/// The policy for automatic trainings.
package struct AutoTrain: Sendable, Codable, Equatable {
  /// Whether the dataset trains automatically.
  package var enabled: Bool
  /// The number of label changes since the last training from which on one is due.
  package var minNewLabels: Int
  /// The seconds after which a smaller number of changes is trained on; 0 for never.
  package var maxDelaySeconds: Int

  /// No automatic training; with only `enabled` set, one after every change.
  package static let off = AutoTrain(enabled: false, minNewLabels: 1, maxDelaySeconds: 0)

  /// Creates a policy; see the properties.
  package init(enabled: Bool, minNewLabels: Int, maxDelaySeconds: Int) {
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

/// The rule that selects the active model after a training.
package struct Activation: Sendable, Codable, Equatable {
  /// The kind of rule.
  package enum Policy: String, Sendable, Codable, CaseIterable {
    /// The newest model.
    case newest
    /// The newest model, unless its parameters are worse than those of the active one by a KPI on the same rows.
    case best
    /// No model but those that are promoted by request.
    case manual
  }

  /// The kind of rule.
  package var policy: Policy
  /// The KPI that `best` compares; `nil` with other policies.
  package var metric: Metric?
  /// With `best`, the loss of quality that does not matter, in the units of the KPI; `nil` for `Metric.defaultMargin`.
  package var margin: Double?

  /// Every training activates its model.
  package static let newest = Activation(policy: .newest, metric: nil)

  /// Creates a policy; see the properties.
  package init(policy: Policy, metric: Metric?, margin: Double? = nil) {
    self.policy = policy
    self.metric = metric
    self.margin = margin
  }

  private enum CodingKeys: String, CodingKey {
    case policy, metric, margin
  }

  /// Writes all members, absent ones as null.
  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(policy, forKey: .policy)
    try values.encode(metric, forKey: .metric)
    try values.encode(margin, forKey: .margin)
  }
}

/// The quality below which a dataset answers no predictions.
package struct Gate: Sendable, Codable, Equatable {
  /// The source of the KPI that is compared.
  package enum Source: String, Sendable, Codable, CaseIterable {
    /// The validation of the training, on rows that the measured fit did not see.
    case validation
    /// The predictions that were labelled later, once there are enough of them.
    case live
  }

  /// The value of the KPI that is compared.
  package enum Bound: String, Sendable, Codable, CaseIterable {
    /// The careful end of its 95 % interval: the lower one, and for metrics where less is better the upper one.
    case lower
    /// The estimate, however uncertain.
    case estimate
  }

  /// The default of ``minLabels``.
  package static let defaultMinLabels = 100

  /// The KPI that is compared.
  package var metric: Metric
  /// The least value that passes; for metrics where less is better the largest.
  package var minimum: Double
  /// The source of its value.
  package var source: Source
  /// The number of labelled predictions of a version below which the validation decides instead of the live KPIs.
  package var minLabels: Int
  /// The value that is compared: the careful end of the interval for new gates, the estimate for gates from before there was a choice.
  package var bound: Bound

  /// Creates a gate; see the properties.
  package init(
    metric: Metric, minimum: Double, source: Source = .validation, minLabels: Int = Gate.defaultMinLabels,
    bound: Bound = .lower
  ) {
    self.metric = metric
    self.minimum = minimum
    self.source = source
    self.minLabels = minLabels
    self.bound = bound
  }

  private enum CodingKeys: String, CodingKey {
    case metric, minimum, source, bound
    case minLabels = "min_labels"
  }

  /// Decodes a gate; a stored one that is older than live KPIs has no source, and one that is older than bounds compares the
  /// estimate.
  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    metric = try values.decode(Metric.self, forKey: .metric)
    minimum = try values.decode(Double.self, forKey: .minimum)
    source = try values.decodeIfPresent(Source.self, forKey: .source) ?? .validation
    minLabels = try values.decodeIfPresent(Int.self, forKey: .minLabels) ?? Self.defaultMinLabels
    bound = try values.decodeIfPresent(Bound.self, forKey: .bound) ?? .estimate
  }
}

/// The names of a dataset's outcome.
package struct LabelDefinition: Sendable, Codable, Equatable {
  /// The CSV column of the label, by default `label`.
  package var name: String
  /// The word for 1, such as `>50K`; `nil` for plain 0 and 1.
  package var positive: String?
  /// The word for 0, such as `<=50K`. Datasets from before there were pairs may have `positive` alone.
  package var negative: String?

  /// Creates a definition; see the properties.
  package init(name: String = "label", positive: String? = nil, negative: String? = nil) {
    self.name = name
    self.positive = positive
    self.negative = negative
  }

  /// The words of the outcome for the readers of rows.
  package var words: OutcomeWords { OutcomeWords(positive: positive, negative: negative) }

  /// The schema of rows without features, which reads outcomes alone. The schema of a dataset costs more by its features and
  /// categories.
  package var schema: RowSchema { RowSchema(features: [], words: words) }
}

// MARK: JSON of clients

extension JSONParser where Value == AutoTrain {
  /// A policy; an absent member keeps its value.
  static let autoTrain = object(
    initial: AutoTrain.off,
    [
      JSONMember("enabled", \.enabled, .bool),
      JSONMember("min_new_labels", \.minNewLabels, .integer(in: 1...1_000_000_000)),
      JSONMember("max_delay_seconds", \.maxDelaySeconds, .integer(in: 0...31_536_000)),
    ])
}

extension JSONParser where Value == Activation {
  /// A rule; an absent member keeps its value. `best` compares `roc_auc` unless it says otherwise, other policies have no metric.
  /// A margin does not outlive the metric that it belongs to.
  static let activation = JSONParser { value, current, pointer, errors in
    let fields = JSONObjectReader(value, at: pointer, known: ["policy", "metric", "margin"], errors: errors)
    let old = current ?? .newest
    let policy =
      fields.isNull("policy") ? .newest : fields.choice("policy", Activation.Policy.self) ?? old.policy
    let metric = fields.choice("metric", Metric.self)
    let margin = fields.number("margin")
    guard policy == .best else {
      if metric != nil { errors.add(fields.at("metric"), "goes with the policy best") }
      if margin != nil { errors.add(fields.at("margin"), "goes with the policy best") }
      return Activation(policy: policy, metric: nil)
    }
    let kept = fields.isNull("metric") ? nil : old.metric
    let compared = (metric ?? kept) ?? .rocAUC
    if let margin, margin < 0 || margin > compared.width {
      let most = compared.width < .greatestFiniteMagnitude ? " and at most \(Int(compared.width))" : ""
      errors.add(fields.at("margin"), "must be at least 0\(most)")
    }
    let keptMargin = fields.isNull("margin") || compared != old.metric ? nil : old.margin
    return Activation(policy: .best, metric: compared, margin: margin ?? keptMargin)
  }
}

extension JSONParser where Value == Gate {
  /// A gate. A change of one keeps absent members; a new one needs `metric` and `minimum`.
  static let gate = JSONParser { value, current, pointer, errors in
    let fields = JSONObjectReader(
      value, at: pointer, known: ["metric", "minimum", "source", "min_labels", "bound"], errors: errors)
    let isNew = current == nil
    let metric = fields.choice("metric", required: isNew, Metric.self) ?? current?.metric
    let minimum = fields.number("minimum", required: isNew) ?? current?.minimum
    let source = fields.choice("source", Gate.Source.self)
    let minLabels = fields.integer("min_labels", in: 1...1_000_000_000)
    let bound = fields.choice("bound", Gate.Bound.self)
    guard let metric, let minimum else { return nil }
    guard metric.range.contains(minimum) else {
      let bounds = metric.range
      let most = bounds.upperBound < .greatestFiniteMagnitude ? " and at most \(Int(bounds.upperBound))" : ""
      errors.add(
        fields.at("minimum"),
        "must be at least \(Int(bounds.lowerBound))\(most), as \(metric.rawValue) is")
      return nil
    }
    let (oldSource, oldMinLabels) = (
      fields.isNull("source") ? nil : current?.source, fields.isNull("min_labels") ? nil : current?.minLabels
    )
    let oldBound = fields.isNull("bound") ? nil : current?.bound
    return Gate(
      metric: metric, minimum: minimum, source: (source ?? oldSource) ?? .validation,
      minLabels: (minLabels ?? oldMinLabels) ?? Gate.defaultMinLabels, bound: (bound ?? oldBound) ?? .lower)
  }
}
