public import Foundation
public import Learning

/// One model version of a dataset as it is shown.
public struct ModelRecord: Sendable {
  /// 1, 2, 3 … within the dataset.
  public var version: Int
  /// When its training ended.
  public var createdAt: Date
  /// The job that made it.
  public var jobID: Int
  /// What asked for that job.
  public var trigger: TrainingTrigger
  /// Whether it is the one that predicts.
  public var isActive: Bool
  /// On how many labels it was fitted.
  public var labelsUsed: Int
  /// How many of those were deleted since.
  public var labelsDeletedSince: Int
  /// How it was trained.
  public var parameters: TrainingParameters
  /// Encoder, coefficients, threshold.
  public var model: LogisticModel
  /// What the training had to remark.
  public var warnings: [TrainingWarning]
  /// Its quality on rows it was not fitted on.
  public var kpis: KPIs
}

/// What asked for a training.
public enum TrainingTrigger: String, Sendable, Codable {
  /// A request.
  case manual
  /// The dataset's own policy.
  case auto
}

/// One line of a dataset's history: the KPIs of one training, kept for ever.
public struct KPIRecord: Sendable {
  /// The version that the training made; the model itself may be deleted by now.
  public var modelVersion: Int
  /// The job.
  public var jobID: Int
  /// When the training ended.
  public var trainedAt: Date
  /// What asked for it.
  public var trigger: TrainingTrigger
  /// The figures.
  public var kpis: KPIs
}
