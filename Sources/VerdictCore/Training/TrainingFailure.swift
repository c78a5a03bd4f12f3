package import JobQueue
package import Learning

/// A permanent failure of a training job, shown as the job's `error` in the API. Retries cannot succeed.
package struct TrainingFailure: DescribedJobError, Equatable {
  /// A stable word for programs.
  package var type: String
  /// A sentence for people.
  package var detail: String

  /// Creates the failure for an error of the learner.
  package init(_ error: LearningError) {
    detail = error.detail
    type =
      switch error {
      case .tooFewRows: "too-few-labels"
      case .oneClass: "one-class"
      case .invalidParameter: "invalid-parameter"
      case .notFinite: "not-finite"
      case .tooLarge: "too-large"
      case .malformedTable, .wrongFeatureCount, .wrongValueType: "malformed-table"
      }
  }

  private init(type: String, detail: String) {
    self.type = type
    self.detail = detail
  }

  /// The dataset was deleted while the training ran.
  package static let datasetDeleted = TrainingFailure(
    type: "dataset-deleted", detail: "the dataset was deleted while the training ran")
}
