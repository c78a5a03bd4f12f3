package import Foundation
package import Learning
package import RowFormats

/// A named schema with its policies; its rows, models and predictions hang below it.
package struct Dataset: Sendable {
  /// Internal number, never reused.
  package var id: Int
  /// The slug by which URLs address it.
  package var name: String
  /// The inputs, in the order in which they were declared.
  package var features: [Feature]
  /// How the outcome is named.
  package var label: LabelDefinition
  /// When it trains by itself.
  package var autoTrain: AutoTrain
  /// Below what its model may not predict; `nil` for no such rule.
  package var gate: Gate?
  /// The parameters of trainings that do not say otherwise.
  package var training: TrainingParameters
  /// Which model predicts after a training.
  package var activation: Activation
  /// Beyond so many models the oldest go.
  package var modelsKept: Int
  /// After how many days a stored prediction goes; `nil` for never.
  package var predictionsKeptDays: Int?
  /// The model that predicts.
  package var activeVersion: Int?
  /// Changes with everything that a prediction depends on.
  package var revision: Int
  /// When it was created.
  package var createdAt: Date
  /// When its description was last changed.
  package var updatedAt: Date
}

/// A dataset as it is shown: with its counts and its active model.
package struct DatasetSummary: Sendable {
  /// The dataset.
  package var dataset: Dataset
  /// Its labels by outcome.
  package var counts: LabelCounts
  /// The active model.
  package var activeModel: ActiveModel?

  /// What a dataset's description says of its active model.
  package struct ActiveModel: Sendable {
    /// Its version.
    package var version: Int
    /// When its training ended.
    package var trainedAt: Date
    /// On how many labels it was fitted.
    package var labelsUsed: Int
  }
}

/// How many labels a dataset has.
package struct LabelCounts: Sendable, Equatable {
  /// Rows with label 1.
  package var positives: Int
  /// Rows with label 0.
  package var negatives: Int
  /// Rows inserted, changed and deleted so far.
  package var changes: Int
  /// All rows.
  package var stored: Int { positives + negatives }
}

/// What makes a new dataset.
package struct NewDataset: Sendable {
  /// The slug.
  package var name: String
  /// Name, type and closed list of each feature.
  package var features: [FeatureDeclaration]
  /// How the outcome is named.
  package var label: LabelDefinition
  /// When it trains by itself.
  package var autoTrain: AutoTrain
  /// Below what its model may not predict.
  package var gate: Gate?
  /// The parameters of trainings that do not say otherwise.
  package var training: TrainingParameters
  /// Which model predicts after a training.
  package var activation: Activation
  /// Beyond so many models the oldest go; the active one never does.
  package var modelsKept: Int
  /// After how many days a stored prediction goes; `nil` for never.
  package var predictionsKeptDays: Int?

  /// How many models are kept unless the dataset says otherwise.
  package static let modelsKept = 50

  /// Makes a description; see the properties.
  package init(
    name: String, features: [FeatureDeclaration], label: LabelDefinition = LabelDefinition(),
    autoTrain: AutoTrain = .off, gate: Gate? = nil, training: TrainingParameters = TrainingParameters(),
    activation: Activation = .newest, modelsKept: Int = NewDataset.modelsKept, predictionsKeptDays: Int? = nil
  ) {
    self.predictionsKeptDays = predictionsKeptDays
    self.name = name
    self.features = features
    self.label = label
    self.autoTrain = autoTrain
    self.gate = gate
    self.training = training
    self.activation = activation
    self.modelsKept = modelsKept
  }
}

/// A change of a dataset's description; what is `nil` stays as it is.
package struct DatasetChange: Sendable {
  /// A new policy for training by itself.
  package var autoTrain: AutoTrain?
  /// A new gate, or `.some(nil)` to take the gate away.
  package var gate: Gate??
  /// New default parameters.
  package var training: TrainingParameters?
  /// A new rule for which model predicts.
  package var activation: Activation?
  /// A new limit of models.
  package var modelsKept: Int?
  /// For how long predictions are kept, or `.some(nil)` for ever.
  package var predictionsKeptDays: Int??
  /// The whole list of features: the present ones unchanged, then the added ones.
  package var features: [FeatureDeclaration]?

  /// A change of nothing.
  package init() {}
}

/// A feature as a client declares it: without its slot, which the dataset gives it.
package struct FeatureDeclaration: Sendable, Equatable {
  /// The name by which rows give the value.
  package var name: String
  /// What the values are.
  package var type: FeatureType
  /// The closed list of a categorical feature.
  package var categories: [String]?

  /// Makes a declaration; see the properties.
  package init(name: String, type: FeatureType, categories: [String]? = nil) {
    self.name = name
    self.type = type
    self.categories = categories
  }
}
