extension LogisticModel: BinaryClassifier {
  /// `linear`.
  public static let family = "linear"

  /// Fits and measures a logistic regression; a model of another family is no start.
  public static func train(
    _ table: TrainingTable, parameters: TrainingParameters, warmStart: (any BinaryClassifier)?, threads: Int?,
    progress: (@Sendable (TrainingProgress) -> Void)?, isCancelled: @escaping @Sendable () -> Bool
  ) throws -> TrainingResult<LogisticModel> {
    try Learning.train(
      table, parameters: parameters, warmStart: warmStart as? LogisticModel, threads: threads,
      progress: progress, isCancelled: isCancelled)
  }

  /// Fits the measured parts of a split; a model of another family is no start.
  public static func heldOut(
    _ table: TrainingTable, parameters: TrainingParameters, split: ValidationSplit,
    warmStart: (any BinaryClassifier)?, threads: Int?, progress: (@Sendable (TrainingProgress) -> Void)?,
    isCancelled: @escaping @Sendable () -> Bool
  ) throws -> HeldOutPredictions {
    let runner = BlockRunner(threads: threads ?? processorCount, isCancelled: isCancelled)
    return try withTrainer(table, parameters, split.plan, runner, progress) {
      try $0.heldOut(warmStart: warmStart as? LogisticModel)
    }
  }

  /// The names of ``features``.
  public var featureNames: [String] { features.map(\.name) }

  /// The same coefficients under other names.
  public func renamingCategories(_ name: (_ feature: String, _ category: String) -> String) -> LogisticModel {
    var model = self
    for (index, feature) in features.enumerated() {
      guard let categories = feature.categories else { continue }
      let renamed = categories.map(\.name).renamed { name(feature.name, $0) }
      for (place, new) in renamed.enumerated() { model.features[index].categories?[place].name = new }
    }
    return model
  }

  /// A ``LinearPredictor``.
  public func makePredictor() -> any Predictor { predictor() }

  /// Intercepts, how the fit went, the chosen `C`, the encoding of the features, and the list of all coefficients.
  public func describe() -> [ModelDescription.Member] {
    let fit: [ModelDescription.Member] = [
      .init("intercept", .number(intercept)),
      .init("intercept_standard_error", .number(interceptStandardError)),
      .init("standardized_intercept", .number(standardizedIntercept)),
      .init("iterations", .count(iterations)),
      .init("training_loss", .number(trainingLoss)),
    ]
    let encoding: [ModelDescription.Member] = [
      .init("features", .list(features.map(\.encodingDescription))),
      .init("coefficients", .list(features.flatMap(\.coefficientDescriptions))),
    ]
    let chosen: [ModelDescription.Member] = chosenC.map { [.init("C", .number($0))] } ?? []
    let selected: [ModelDescription.Member] = selection.map { [.init("selection", $0.description)] } ?? []
    return fit + chosen + encoding + selected
  }
}

extension ModelFeature {
  /// The encoding of a feature: everything except its coefficients.
  fileprivate var encodingDescription: ModelDescription {
    .members([
      .init("name", .text(name)),
      .init("type", .text(kind.rawValue)),
      .init("mean", .number(mean)),
      .init("scale", .number(scale)),
      .init("minimum", .number(minimum)),
      .init("maximum", .number(maximum)),
      .init("missing_rows", .count(missingRows)),
      .init("categories", .list(categories?.map { .text($0.name) })),
    ])
  }

  /// The coefficients of a feature: of its number (`value`) or its categories (`level`), then of its being `missing`.
  fileprivate var coefficientDescriptions: [ModelDescription] {
    func description(_ kind: String, _ coefficient: Coefficient, level: String? = nil) -> ModelDescription {
      .members([
        .init("feature", .text(name)),
        .init("level", .text(level)),
        .init("kind", .text(kind)),
        .init("coefficient", .number(coefficient.value)),
        .init("standardized", .number(coefficient.standardized)),
        .init("status", .text(coefficient.status.rawValue)),
        .init("standard_error", .number(coefficient.standardError)),
        .init("z", .number(coefficient.z)),
        .init("p_value", .number(coefficient.pValue)),
        .init("odds_ratio", .number(coefficient.oddsRatio)),
      ])
    }
    var descriptions: [ModelDescription] = []
    if let coefficient { descriptions.append(description("value", coefficient)) }
    descriptions += (categories ?? []).map { description("level", $0.coefficient, level: $0.name) }
    if let missing { descriptions.append(description("missing", missing)) }
    return descriptions
  }
}
