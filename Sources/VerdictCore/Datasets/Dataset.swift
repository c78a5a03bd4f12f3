package import Foundation
package import RowFormats

/// A named schema with its settings; rows, models and predictions belong to it.
package struct Dataset: Sendable {
  /// Internal number, never reused.
  package var id: Int
  /// The slug by which URLs address it.
  package var name: String
  /// The inputs, in the order of their declaration.
  package var features: [Feature]
  /// The names of the outcome.
  package var label: LabelDefinition
  /// The settings of its owner.
  package var settings: DatasetSettings
  /// The version of the active model, if any.
  package var activeVersion: Int?
  /// Increases with every change, and when another model becomes active.
  package var revision: Int
  /// The time of its creation.
  package var createdAt: Date
  /// The time of the last change of features or settings.
  package var updatedAt: Date
}

/// A dataset with its counts and its active model.
package struct DatasetSummary: Sendable {
  /// The dataset.
  package var dataset: Dataset
  /// Its labels by outcome.
  package var counts: LabelCounts
  /// The active model.
  package var activeModel: ActiveModel?

  /// The active model in the description of a dataset.
  package struct ActiveModel: Sendable {
    /// Its version.
    package var version: Int
    /// The end of its training.
    package var trainedAt: Date
    /// The number of labels that it was fitted on.
    package var labelsUsed: Int
  }
}

/// The counts of a dataset's labels.
package struct LabelCounts: Sendable, Equatable {
  /// Rows with label 1.
  package var positives: Int
  /// Rows with label 0.
  package var negatives: Int
  /// All insertions, changes and deletions of rows.
  package var changes: Int
  /// All rows.
  package var stored: Int { positives + negatives }
}

/// The definition of a new dataset.
package struct NewDataset: Sendable {
  /// The slug by which URLs address it.
  package var name: String
  /// Name, type and closed list of each feature.
  package var features: [FeatureDeclaration]
  /// How the outcome is named.
  package var label: LabelDefinition
  /// Its settings.
  package var settings: DatasetSettings

  /// Creates a definition; see the properties.
  package init(
    name: String, features: [FeatureDeclaration], label: LabelDefinition = LabelDefinition(),
    settings: DatasetSettings = DatasetSettings()
  ) {
    self.name = name
    self.features = features
    self.label = label
    self.settings = settings
  }
}

/// A change of a dataset.
package struct DatasetChange: Sendable {
  /// The settings afterwards.
  package var settings: DatasetSettings
  /// The settings that the client named, with their old values or others. Naming a setting has its effects again, such as a
  /// new decision about a training.
  package var named: Set<DatasetSettings.CodingKeys> = []
  /// The whole list of features, the present ones unchanged, then the added ones; `nil` for no change.
  package var features: [FeatureDeclaration]?

  /// The word for outcome 0 of a dataset that has none yet; `nil` for no change.
  package var negative: String?

  /// A change of nothing.
  package init(of dataset: Dataset) {
    settings = dataset.settings
  }
}

/// A feature in a client's form, without the slot that the dataset assigns.
package struct FeatureDeclaration: Sendable, Equatable {
  /// The name by which rows give the value.
  package var name: String
  /// The type of the values.
  package var type: FeatureType
  /// The closed list of a categorical feature.
  package var categories: [String]?

  /// Creates a declaration; see the properties.
  package init(name: String, type: FeatureType, categories: [String]? = nil) {
    self.name = name
    self.type = type
    self.categories = categories
  }
}
