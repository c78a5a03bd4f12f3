import Learning
import RowFormats
import VerdictCore

/// The body that creates a dataset.
enum NewDatasetBody {
  static func parse(_ body: Body) throws -> NewDataset {
    let errors = ValidationErrors()
    let fields = try JSONObjectReader.of(
      body, known: DatasetSettings.names.union(["name", "features", "label"]), errors: errors)
    let name = fields.string("name", required: true, .slug)
    let features = FeatureList.parse(fields, required: true)
    let label = Self.label(fields)
    if features?.contains(where: { $0.name == label.name }) == true {
      errors.add(fields.at("label") + "/name", "is a feature's name already")
    }
    var settings = DatasetSettings()
    _ = settings.merge(fields)
    if let features { errors.check(settings.training, features.map { ($0.name, $0.type) }) }
    return NewDataset(
      name: try errors.checked(name), features: try errors.checked(features), label: label,
      settings: settings)
  }

  private static func label(_ fields: JSONObjectReader) -> LabelDefinition {
    guard let label = fields.object("label", known: LabelBody.members) else { return LabelDefinition() }
    let words = (positive: LabelBody.word("positive", label), negative: LabelBody.word("negative", label))
    for (name, other) in [("positive", "negative"), ("negative", "positive")]
    where label.value(name) == nil && label.value(other) != nil {
      label.errors.add(label.at(name), "is missing: an outcome has both words or none")
    }
    if let positive = words.positive, let negative = words.negative {
      LabelBody.checkPair(positive, negative, label)
    }
    return LabelDefinition(
      name: label.string("name", .name(atMost: 128))?.normalized ?? "label",
      positive: words.positive, negative: words.negative)
  }
}

/// The outcome of a dataset, in the bodies that create and change one.
private enum LabelBody {
  static let members: Set = ["name", "positive", "negative"]

  /// A word of the outcome.
  static func word(_ name: String, _ label: JSONObjectReader) -> String? {
    label.string(name, .bytes(1...1_000))?.normalized
  }

  /// Two words that rows could not tell apart are an error.
  static func checkPair(_ positive: String, _ negative: String, _ label: JSONObjectReader) {
    if CategorySpelling.canonical(positive) == CategorySpelling.canonical(negative) {
      label.errors.add(label.at("negative"), "must differ from the positive word")
    }
  }

  /// The word for outcome 0 that a patch gives to a dataset without one. Everything else stays as it is.
  static func negative(_ fields: JSONObjectReader, _ present: LabelDefinition) -> String? {
    if fields.isNull("label") { fields.errors.add(fields.at("label"), "cannot be taken away") }
    guard let label = fields.object("label", known: members) else { return nil }
    func keep(_ name: String, _ present: String?) {
      guard label.has(name), label.string(name)?.normalized != present else { return }
      let word = present.map { "\"\($0)\"" } ?? "absent"
      label.errors.add(label.at(name), "is \(word) in this dataset and cannot change")
    }
    keep("name", present.name)
    keep("positive", present.positive)
    guard let positive = present.positive, present.negative == nil else {
      keep("negative", present.negative)
      return nil
    }
    guard let negative = word("negative", label) else { return nil }
    checkPair(positive, negative, label)
    return negative
  }
}

/// A merge patch (RFC 7396) of a dataset.
struct DatasetPatchBody {
  private let value: JSONValue
  /// The memory of the value.
  private let share: RequestMemory.Reservation?

  static func parse(_ body: Body) throws -> DatasetPatchBody {
    let patch = DatasetPatchBody(value: try body.document(), share: body.share)
    // Errors that do not depend on the dataset come before its look-up.
    let errors = ValidationErrors()
    _ = patch.fields(errors)
    try errors.check()
    return patch
  }

  private func fields(_ errors: ValidationErrors) -> JSONObjectReader {
    JSONObjectReader(value, known: DatasetSettings.names.union(["features", "label"]), errors: errors)
  }

  /// The change that the patch makes to a dataset.
  func change(of dataset: Dataset) throws -> DatasetChange {
    let errors = ValidationErrors()
    let fields = fields(errors)
    var change = DatasetChange(of: dataset)
    if fields.isNull("features") { errors.add(fields.at("features"), "cannot be taken away") }
    change.features = FeatureList.parse(fields, required: false)
    if change.features?.contains(where: { $0.name == dataset.label.name }) == true {
      errors.add(fields.at("features"), "must not have a feature with the label's name")
    }
    change.negative = LabelBody.negative(fields, dataset.label)
    change.named = change.settings.merge(fields)
    errors.check(
      change.settings.training,
      change.features?.map { ($0.name, $0.type) } ?? dataset.features.map { ($0.name, $0.type) })
    try errors.check()
    return change
  }
}

extension ValidationErrors {
  /// Notes the features that the training parameters name and a dataset does not have.
  fileprivate func check(_ training: TrainingParameters, _ features: [(String, FeatureType)]) {
    let types = Dictionary(features) { first, _ in first }
    let pointer = JSONObjectReader.child("", DatasetSettings.CodingKeys.training.rawValue)
    for problem in training.additive.problems(with: types, at: pointer) {
      add(problem.pointer ?? pointer, problem.detail)
    }
  }
}

/// The list of features, in the body that creates a dataset and in the one that extends it.
enum FeatureList {
  /// How many features a dataset may have.
  static let limit = 2_000

  static func parse(_ fields: JSONObjectReader, required: Bool) -> [FeatureDeclaration]? {
    guard let elements = fields.array("features", required: required, count: 1...limit) else { return nil }
    var names: Set<String> = []
    return elements.enumerated().compactMap { index, element in
      let pointer = JSONObjectReader.child(fields.at("features"), "\(index)")
      guard let feature = feature(element, at: pointer, fields.errors) else { return nil }
      if !names.insert(feature.name).inserted {
        fields.errors.add(pointer + "/name", "is another feature's name, too")
      }
      return feature
    }
  }

  private static func feature(_ value: JSONValue, at pointer: String, _ errors: ValidationErrors)
    -> FeatureDeclaration?
  {
    let fields = JSONObjectReader(value, at: pointer, known: ["name", "type", "categories"], errors: errors)
    let name = fields.string("name", required: true, .name(atMost: 128))?.normalized
    let type = fields.choice("type", required: true, FeatureType.self)
    let categories = categories(fields)
    if let type, type != .categorical, categories != nil {
      errors.add(fields.at("categories"), "is for categorical features")
    }
    guard let name, let type else { return nil }
    return FeatureDeclaration(name: name, type: type, categories: categories)
  }

  private static func categories(_ fields: JSONObjectReader) -> [String]? {
    guard let elements = fields.array("categories", count: 1...10_000) else { return nil }
    var seen: Set<String> = []
    return elements.enumerated().compactMap { index, element in
      let pointer = JSONObjectReader.child(fields.at("categories"), "\(index)")
      guard let name = element.categoryName?.normalized else {
        fields.errors.add(pointer, "must be a string, a whole number or a boolean")
        return nil
      }
      if let objection = TextRule.bytes(1...1_000).objection(to: name) {
        fields.errors.add(pointer, objection)
      }
      if !seen.insert(name).inserted { fields.errors.add(pointer, "is listed twice") }
      return name
    }
  }
}
