extension AdditiveModel {
  /// `additive`.
  public static let family = "additive"

  /// The names of ``features``.
  public var featureNames: [String] { features.map(\.name) }

  /// The same shape functions under other names. Pairs know categories by their places.
  public func renamingCategories(_ name: (_ feature: String, _ category: String) -> String) -> AdditiveModel {
    var model = self
    for (index, feature) in features.enumerated() {
      model.features[index].categories = feature.categories?.renamed { name(feature.name, $0) }
    }
    return model
  }

  /// An ``AdditivePredictor``.
  public func makePredictor() -> any Predictor { predictor() }

  /// The intercept, how the fit went, the features, the pairs, and what was chosen. The shapes are in ``terms(minimumRows:)``.
  public func describe() -> [ModelDescription.Member] {
    let selected = selection.map { [ModelDescription.Member("selection", $0.description)] } ?? []
    return [
      .init("intercept", .number(intercept)),
      .init("intercept_standard_error", .number(interceptStandardError)),
      .init("iterations", .count(iterations)),
      .init("training_loss", .number(trainingLoss)),
      .init("features", .list(features.map(\.description))),
      .init("pairs", .list(pairs.map(description))),
    ] + selected
  }

  private func description(of pair: AdditivePair) -> ModelDescription {
    .members([
      .init("features", .list([pair.first, pair.second].map { .text(features[$0.feature].name) })),
      .init("cells", .count(pair.cells.count)),
      .init("smoothness", .number(pair.smoothness)),
      .init("degrees_of_freedom", .number(pair.degreesOfFreedom)),
      .init("importance", .number(pair.importance)),
    ])
  }
}

extension AdditiveFeature {
  fileprivate var description: ModelDescription {
    .members([
      .init("name", .text(name)),
      .init("type", .text(kind.rawValue)),
      .init("minimum", .number(minimum)),
      .init("maximum", .number(maximum)),
      .init("missing_rows", .count(missingRows)),
      .init("categories", .list(categories?.map { .text($0) })),
      .init("bins", .count(bins.count)),
      .init("smoothness", .number(smoothness)),
      .init("degrees_of_freedom", .number(degreesOfFreedom)),
      .init("importance", .number(importance)),
    ])
  }
}
