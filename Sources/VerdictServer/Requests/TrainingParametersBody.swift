import Learning
import RowFormats
import VerdictCore

/// The parameters of a training in a body: each member that is given replaces the dataset's, `null` brings the default
/// back.
struct TrainingParametersBody {
  static let members: Set<String> = [
    "penalty", "C", "l1_ratio", "class_weight", "threshold", "validation", "seed",
  ]

  private let value: JSONValue

  /// The body of a request for a training, which may be missing.
  static func parse(_ body: Body) throws -> TrainingParametersBody {
    guard body.type != nil else { return TrainingParametersBody(value: .object([:])) }
    return TrainingParametersBody(value: try JSONValue.parse(body.bytes))
  }

  /// The parameters of a job on a dataset with `defaults`.
  ///
  /// - Throws: ``Problem`` of kind `invalid-body`.
  func applied(to defaults: TrainingParameters) throws -> TrainingParameters {
    let fields = JSONObjectReader(value, known: Self.members, errors: ValidationErrors())
    let parameters = Self.parameters(fields, over: defaults)
    try fields.errors.check()
    return parameters
  }

  /// The parameters that `fields` make of `defaults`; mistakes are noted.
  static func parameters(_ fields: JSONObjectReader, over defaults: TrainingParameters) -> TrainingParameters
  {
    let initial = TrainingParameters()
    var parameters = defaults
    func take<T>(_ name: String, _ value: T?, _ path: WritableKeyPath<TrainingParameters, T>) {
      if fields.isNull(name) { parameters[keyPath: path] = initial[keyPath: path] }
      if let value { parameters[keyPath: path] = value }
    }
    take("penalty", fields.choice("penalty", TrainingParameters.Penalty.self), \.penalty)
    take("C", fields.number("C"), \.c)
    take("l1_ratio", fields.number("l1_ratio").map(Optional.some), \.l1Ratio)
    take(
      "class_weight", fields.choice("class_weight", TrainingParameters.ClassWeight.self).map(Optional.some),
      \.classWeight)
    take("threshold", threshold(fields), \.threshold)
    take("validation", validation(fields), \.validation)
    take("seed", fields.integer("seed", in: 0...(1 << 53) - 1).map(UInt64.init), \.seed)
    if fields.errors.locations.isEmpty {
      do throws(LearningError) {
        try parameters.validate()
      } catch {
        guard case .invalidParameter(let pointer, let detail) = error else { return parameters }
        fields.errors.add(fields.at("").dropLast() + pointer, detail)
      }
    }
    return parameters
  }

  private static func threshold(_ fields: JSONObjectReader) -> ThresholdRule? {
    guard let value = fields.value("threshold") else { return nil }
    if let number = value.finiteNumber { return .fixed(number) }
    guard case .object(let object) = value else {
      fields.errors.add(fields.at("threshold"), "must be a number or an object that says how to choose one")
      return nil
    }
    let names = Set(object.members.map(\.name))
    func rule(_ known: Set<String>) -> JSONObjectReader {
      JSONObjectReader(value, at: fields.at("threshold"), known: known, errors: fields.errors)
    }
    if names.contains("maximize") {
      return rule(["maximize"]).choice("maximize", required: true, ThresholdRule.Objective.self).map {
        .maximize($0)
      }
    }
    if names.contains("metric") || names.contains("at_least") {
      let rule = rule(["metric", "at_least"])
      let metric = rule.choice("metric", required: true, ThresholdRule.Floor.self)
      let least = rule.number("at_least", required: true)
      guard let metric, let least else { return nil }
      return .atLeast(metric, least)
    }
    guard
      let cost = rule(["cost"]).required("cost").map({
        JSONObjectReader(
          $0, at: fields.at("threshold") + "/cost", known: ["false_positive", "false_negative"],
          errors: fields.errors)
      })
    else { return nil }
    let falsePositive = cost.number("false_positive", required: true)
    let falseNegative = cost.number("false_negative", required: true)
    guard let falsePositive, let falseNegative else { return nil }
    return .cost(falsePositive: falsePositive, falseNegative: falseNegative)
  }

  private static func validation(_ fields: JSONObjectReader) -> ValidationMethod? {
    guard let value = fields.value("validation") else { return nil }
    let method = JSONObjectReader(
      value, at: fields.at("validation"), known: ["method", "fraction", "folds"], errors: fields.errors)
    switch method.string("method", required: true) {
    case "holdout":
      if method.has("folds") { fields.errors.add(method.at("folds"), "is for the method kfold") }
      return .holdout(fraction: method.number("fraction") ?? 0.2)
    case "kfold":
      if method.has("fraction") { fields.errors.add(method.at("fraction"), "is for the method holdout") }
      return .kfold(folds: method.integer("folds", in: 2...20) ?? 5)
    case nil: return nil
    default:
      fields.errors.add(method.at("method"), "must be holdout or kfold")
      return nil
    }
  }
}
