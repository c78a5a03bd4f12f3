public import Foundation
public import Learning

/// A named schema with its policies; its rows, models and predictions hang below it.
public struct Dataset: Sendable {
  /// Internal number, never reused.
  public var id: Int
  /// The slug by which URLs address it.
  public var name: String
  /// The inputs, in the order in which they were declared.
  public var features: [Feature]
  /// How the outcome is named.
  public var label: LabelDefinition
  /// When it trains by itself.
  public var autoTrain: AutoTrain
  /// Below what its model may not predict; `nil` for no such rule.
  public var gate: Gate?
  /// The parameters of trainings that do not say otherwise.
  public var training: TrainingParameters
  /// Which model predicts after a training.
  public var activation: Activation
  /// Beyond so many models the oldest go.
  public var modelsKept: Int
  /// After how many days a stored prediction goes; `nil` for never.
  public var predictionsKeptDays: Int?
  /// The model that predicts.
  public var activeVersion: Int?
  /// Changes with everything that a prediction depends on.
  public var revision: Int
  /// When it was created.
  public var createdAt: Date
  /// When its description was last changed.
  public var updatedAt: Date
}

/// A dataset as it is shown: with its counts and its active model.
public struct DatasetSummary: Sendable {
  /// The dataset.
  public var dataset: Dataset
  /// Its labels by outcome.
  public var counts: LabelCounts
  /// The active model.
  public var activeModel: ActiveModel?

  /// What a dataset's description says of its active model.
  public struct ActiveModel: Sendable {
    /// Its version.
    public var version: Int
    /// When its training ended.
    public var trainedAt: Date
    /// On how many labels it was fitted.
    public var labelsUsed: Int
  }
}

/// How many labels a dataset has.
public struct LabelCounts: Sendable, Equatable {
  /// Rows with label 1.
  public var positives: Int
  /// Rows with label 0.
  public var negatives: Int
  /// Rows inserted, changed and deleted so far.
  public var changes: Int
  /// All rows.
  public var stored: Int { positives + negatives }
}

/// What makes a new dataset.
public struct NewDataset: Sendable {
  /// The slug.
  public var name: String
  /// Name, type and closed list of each feature.
  public var features: [FeatureDeclaration]
  /// How the outcome is named.
  public var label: LabelDefinition
  /// When it trains by itself.
  public var autoTrain: AutoTrain
  /// Below what its model may not predict.
  public var gate: Gate?
  /// The parameters of trainings that do not say otherwise.
  public var training: TrainingParameters
  /// Which model predicts after a training.
  public var activation: Activation
  /// Beyond so many models the oldest go; the active one never does.
  public var modelsKept: Int
  /// After how many days a stored prediction goes; `nil` for never.
  public var predictionsKeptDays: Int?

  /// How many models are kept unless the dataset says otherwise.
  public static let modelsKept = 50

  /// Makes a description; see the properties.
  public init(
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
public struct DatasetChange: Sendable {
  /// A new policy for training by itself.
  public var autoTrain: AutoTrain?
  /// A new gate, or `.some(nil)` to take the gate away.
  public var gate: Gate??
  /// New default parameters.
  public var training: TrainingParameters?
  /// A new rule for which model predicts.
  public var activation: Activation?
  /// A new limit of models.
  public var modelsKept: Int?
  /// For how long predictions are kept, or `.some(nil)` for ever.
  public var predictionsKeptDays: Int??
  /// The whole list of features: the present ones unchanged, then the added ones.
  public var features: [FeatureDeclaration]?

  /// A change of nothing.
  public init() {}
}

/// A feature as a client declares it: without its slot, which the dataset gives it.
public struct FeatureDeclaration: Sendable, Equatable {
  /// The name by which rows give the value.
  public var name: String
  /// What the values are.
  public var type: FeatureType
  /// The closed list of a categorical feature.
  public var categories: [String]?

  /// Makes a declaration; see the properties.
  public init(name: String, type: FeatureType, categories: [String]? = nil) {
    self.name = name
    self.type = type
    self.categories = categories
  }
}
