import Learning
import VerdictCore

/// The body that creates a dataset.
enum NewDatasetBody {
  static func parse(_ body: Body) throws -> NewDataset {
    let mistakes = Mistakes()
    let fields = try Fields.of(
      body,
      known: [
        "name", "features", "label", "auto_train", "gate", "training", "activation", "models_kept",
        "predictions_kept_days",
      ],
      mistakes: mistakes)
    let name = fields.string("name", required: true, .slug)
    let features = FeatureList.parse(fields, required: true)
    let label = Self.label(fields)
    if features?.contains(where: { $0.name == label.name }) == true {
      mistakes.add(fields.at("label") + "/name", "is a feature's name already")
    }
    let autoTrain = fields.object("auto_train", known: PolicyBody.autoTrainMembers).map {
      PolicyBody.autoTrain($0, over: .off)
    }
    let gate = fields.object("gate", known: PolicyBody.gateMembers).flatMap(PolicyBody.gate)
    let training = fields.object("training", known: TrainingParametersBody.members).map {
      TrainingParametersBody.parameters($0, over: TrainingParameters())
    }
    let activation = fields.object("activation", known: PolicyBody.activationMembers).map {
      PolicyBody.activation($0, over: .newest)
    }
    let modelsKept = PolicyBody.modelsKept(fields)
    let daysKept = fields.integer("predictions_kept_days", in: PolicyBody.keptDays)
    return NewDataset(
      name: try mistakes.checked(name), features: try mistakes.checked(features), label: label,
      autoTrain: autoTrain ?? .off, gate: gate,
      training: training ?? TrainingParameters(), activation: activation ?? .newest,
      modelsKept: modelsKept ?? NewDataset.modelsKept, predictionsKeptDays: daysKept)
  }

  private static func label(_ fields: Fields) -> LabelDefinition {
    guard let label = fields.object("label", known: ["name", "positive"]) else { return LabelDefinition() }
    return LabelDefinition(
      name: label.string("name", .name(atMost: 128)) ?? "label",
      positive: label.string("positive", .bytes(1...1_000)))
  }
}

/// The list of features, in the body that creates a dataset and in the one that extends it.
enum FeatureList {
  /// How many features a dataset may have.
  static let limit = 2_000

  static func parse(_ fields: Fields, required: Bool) -> [FeatureDeclaration]? {
    guard let elements = fields.array("features", required: required, count: 1...limit) else { return nil }
    var names: Set<String> = []
    return elements.enumerated().compactMap { index, element in
      let pointer = Fields.child(fields.at("features"), "\(index)")
      guard let feature = feature(element, at: pointer, fields.mistakes) else { return nil }
      if !names.insert(feature.name).inserted {
        fields.mistakes.add(pointer + "/name", "is another feature's name, too")
      }
      return feature
    }
  }

  private static func feature(_ value: JSONValue, at pointer: String, _ mistakes: Mistakes)
    -> FeatureDeclaration?
  {
    let fields = Fields(value, at: pointer, known: ["name", "type", "categories"], mistakes: mistakes)
    let name = fields.string("name", required: true, .name(atMost: 128))
    let type = fields.choice("type", required: true, FeatureType.self)
    let categories = categories(fields)
    if let type, type != .categorical, categories != nil {
      mistakes.add(fields.at("categories"), "is for categorical features")
    }
    guard let name, let type else { return nil }
    return FeatureDeclaration(name: name, type: type, categories: categories)
  }

  private static func categories(_ fields: Fields) -> [String]? {
    guard let elements = fields.array("categories", count: 1...10_000) else { return nil }
    var seen: Set<String> = []
    return elements.enumerated().compactMap { index, element in
      let pointer = Fields.child(fields.at("categories"), "\(index)")
      guard let name = element.categoryName else {
        fields.mistakes.add(pointer, "must be a string, a whole number or a boolean")
        return nil
      }
      if let objection = TextRule.bytes(1...1_000).objection(to: name) {
        fields.mistakes.add(pointer, objection)
      }
      if !seen.insert(name).inserted { fields.mistakes.add(pointer, "is listed twice") }
      return name
    }
  }
}
