package import Foundation
package import Learning

/// A model version of a dataset as lists show it: all that is known of it without the model.
package struct ModelSummary: Sendable {
  /// 1, 2, 3 … within the dataset.
  package var version: Int
  /// The time when its training ended.
  package var createdAt: Date
  /// The job that trained it.
  package var jobID: Int
  /// The trigger of that job.
  package var trigger: TrainingTrigger
  /// Whether it is the active model.
  package var isActive: Bool
  /// Whether it is active and no training may replace it.
  package var isPinned: Bool
  /// The number of labels that it was fitted on.
  package var labelsUsed: Int
  /// The number of those labels that have been deleted since.
  package var labelsDeletedSince: Int
  /// The number of those labels that an erasure has removed.
  package var erasedLabels = 0
  /// Whether the fit came within its tolerance of the optimum.
  package var converged: Bool
  /// The parameters of its training.
  package var parameters: TrainingParameters
  /// Its KPIs on rows that the measured fit did not see.
  package var kpis: KPIs

  /// Probability from which on the decision is 1.
  package var threshold: Double { kpis.threshold }
}

/// A stored model version of a dataset.
package struct ModelRecord: Sendable {
  /// The part that lists show.
  package var summary: ModelSummary
  /// The model itself.
  package var model: any BinaryClassifier
  /// The findings of the training.
  package var warnings: [TrainingWarning]
  /// The comparison with the model that was active when it was trained; `nil` if nothing was compared.
  package var comparison: ActivationComparison?
  /// The dataset's smallest number of training rows behind a value of a term that is shown.
  package var minBinRows = DatasetSettings().minBinRows

  /// The name of the model's family.
  package var family: String { type(of: model).family }
}

/// The origin of a training.
package enum TrainingTrigger: String, Sendable, Codable {
  /// A client's request.
  case manual
  /// The dataset's policy.
  case auto
}

/// One entry of a dataset's history: the KPIs of one training, kept forever.
package struct KPIRecord: Sendable {
  /// The version that the training created. The model itself may have been deleted.
  package var modelVersion: Int
  /// The job.
  package var jobID: Int
  /// The time when the training ended.
  package var trainedAt: Date
  /// The trigger of the training.
  package var trigger: TrainingTrigger
  /// The KPIs.
  package var kpis: KPIs
}
