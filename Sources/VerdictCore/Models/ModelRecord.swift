package import Foundation
package import Learning

/// A stored model version of a dataset.
package struct ModelRecord: Sendable {
  /// 1, 2, 3 … within the dataset.
  package var version: Int
  /// When its training ended.
  package var createdAt: Date
  /// The job that made it.
  package var jobID: Int
  /// What asked for that job.
  package var trigger: TrainingTrigger
  /// Whether it is the one that predicts.
  package var isActive: Bool
  /// On how many labels it was fitted.
  package var labelsUsed: Int
  /// How many of those were deleted since.
  package var labelsDeletedSince: Int
  /// How it was trained.
  package var parameters: TrainingParameters
  /// The model itself.
  package var model: any BinaryClassifier
  /// The findings of the training.
  package var warnings: [TrainingWarning]
  /// Its quality on rows it was not fitted on.
  package var kpis: KPIs
}

/// The origin of a training.
package enum TrainingTrigger: String, Sendable, Codable {
  /// A request.
  case manual
  /// The dataset's own policy.
  case auto
}

/// One line of a dataset's history: the KPIs of one training, kept for ever.
package struct KPIRecord: Sendable {
  /// The version that the training made; the model itself may be deleted by now.
  package var modelVersion: Int
  /// The job.
  package var jobID: Int
  /// When the training ended.
  package var trainedAt: Date
  /// What asked for it.
  package var trigger: TrainingTrigger
  /// The figures.
  package var kpis: KPIs
}
