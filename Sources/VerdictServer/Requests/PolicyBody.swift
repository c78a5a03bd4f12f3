import Learning
import RowFormats
import VerdictCore

/// The policies of a dataset in bodies.
enum PolicyBody {
  static let autoTrainMembers: Set<String> = ["enabled", "min_new_labels", "max_delay_seconds"]
  static let gateMembers: Set<String> = ["metric", "minimum", "source", "min_labels"]

  /// A policy whose given members replace those of `old`; a member that is `null` brings its default back.
  static func autoTrain(_ fields: JSONObjectReader, over old: AutoTrain) -> AutoTrain {
    func merged<T>(_ name: String, _ new: T?, _ old: T, _ initial: T) -> T {
      fields.isNull(name) ? initial : new ?? old
    }
    return AutoTrain(
      enabled: merged("enabled", fields.member("enabled", .bool), old.enabled, AutoTrain.off.enabled),
      minNewLabels: merged(
        "min_new_labels", fields.integer("min_new_labels", in: 1...1_000_000_000), old.minNewLabels,
        AutoTrain.off.minNewLabels),
      maxDelaySeconds: merged(
        "max_delay_seconds", fields.integer("max_delay_seconds", in: 0...31_536_000), old.maxDelaySeconds,
        AutoTrain.off.maxDelaySeconds))
  }

  static let activationMembers: Set<String> = ["policy", "metric"]

  /// A rule whose given members replace those of `old`. `best` without a metric goes by `roc_auc`; `newest` has none.
  static func activation(_ fields: JSONObjectReader, over old: Activation) -> Activation {
    let policy =
      fields.isNull("policy") ? .newest : fields.choice("policy", Activation.Policy.self) ?? old.policy
    let metric = fields.choice("metric", Metric.self)
    guard policy == .best else {
      if metric != nil { fields.errors.add(fields.at("metric"), "goes with the policy best") }
      return .newest
    }
    let kept = fields.isNull("metric") ? nil : old.metric
    return Activation(policy: .best, metric: (metric?.rawValue ?? kept) ?? Metric.rocAUC.rawValue)
  }

  /// A limit of models; `null` and its absence are `nil`.
  static func modelsKept(_ fields: JSONObjectReader) -> Int? { fields.integer("models_kept", in: 1...1_000) }

  static let minLabels = 1...1_000_000_000
  /// For how many days predictions may be kept: up to a hundred years.
  static let keptDays = 1...36_500

  /// A whole gate.
  static func gate(_ fields: JSONObjectReader) -> Gate? {
    let metric = fields.choice("metric", required: true, Metric.self)
    let minimum = fields.number("minimum", required: true)
    let source = fields.choice("source", Gate.Source.self) ?? .validation
    let minLabels = fields.integer("min_labels", in: minLabels) ?? Gate.defaultMinLabels
    guard let metric, let minimum else { return nil }
    return Gate(metric: metric.rawValue, minimum: minimum, source: source, minLabels: minLabels)
  }
}

/// A merge patch (RFC 7396) of a dataset's description.
struct DatasetPatchBody {
  private let value: JSONValue

  static func parse(_ body: Body) throws -> DatasetPatchBody {
    let patch = DatasetPatchBody(value: try JSONValue.parse(body.bytes))
    // What can be wrong without knowing the dataset is told before it is looked up.
    let errors = ValidationErrors()
    _ = patch.fields(errors)
    try errors.check()
    return patch
  }

  private func fields(_ errors: ValidationErrors) -> JSONObjectReader {
    JSONObjectReader(
      value,
      known: [
        "features", "auto_train", "gate", "training", "activation", "models_kept", "predictions_kept_days",
      ],
      errors: errors)
  }

  /// What the patch changes of a dataset.
  func change(of dataset: Dataset) throws -> DatasetChange {
    let errors = ValidationErrors()
    let fields = fields(errors)
    var change = DatasetChange()
    if fields.isNull("features") { errors.add(fields.at("features"), "cannot be taken away") }
    change.features = FeatureList.parse(fields, required: false)
    if change.features?.contains(where: { $0.name == dataset.label.name }) == true {
      errors.add(fields.at("features"), "must not have a feature with the label's name")
    }
    if fields.isNull("auto_train") {
      change.autoTrain = .off
    } else if let patch = fields.object("auto_train", known: PolicyBody.autoTrainMembers) {
      change.autoTrain = PolicyBody.autoTrain(patch, over: dataset.autoTrain)
    }
    if fields.isNull("gate") {
      change.gate = .some(nil)
    } else if let patch = fields.object("gate", known: PolicyBody.gateMembers) {
      change.gate = .some(gate(patch, over: dataset.gate))
    }
    if fields.isNull("training") {
      change.training = TrainingParameters()
    } else {
      change.training = fields.member("training", over: dataset.training, .trainingParameters)
    }
    if fields.isNull("activation") {
      change.activation = .newest
    } else if let patch = fields.object("activation", known: PolicyBody.activationMembers) {
      change.activation = PolicyBody.activation(patch, over: dataset.activation)
    }
    change.modelsKept = fields.isNull("models_kept") ? NewDataset.modelsKept : PolicyBody.modelsKept(fields)
    if fields.isNull("predictions_kept_days") {
      change.predictionsKeptDays = .some(nil)
    } else if let days = fields.integer("predictions_kept_days", in: PolicyBody.keptDays) {
      change.predictionsKeptDays = .some(days)
    }
    try errors.check()
    return change
  }

  private func gate(_ fields: JSONObjectReader, over old: Gate?) -> Gate? {
    guard let old else { return PolicyBody.gate(fields) }
    return Gate(
      metric: fields.choice("metric", Metric.self)?.rawValue ?? old.metric,
      minimum: fields.number("minimum") ?? old.minimum,
      source: fields.isNull("source")
        ? .validation : fields.choice("source", Gate.Source.self) ?? old.source,
      minLabels: fields.isNull("min_labels")
        ? Gate.defaultMinLabels
        : fields.integer("min_labels", in: PolicyBody.minLabels) ?? old.minLabels)
  }
}
