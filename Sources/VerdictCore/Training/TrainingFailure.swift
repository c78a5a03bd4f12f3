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
      case .oneTime: "one-time"
      case .cannotValidate: "cannot-validate"
      case .invalidParameter: "invalid-parameter"
      case .notFinite: "not-finite"
      case .tooLarge: "too-large"
      case .malformedTable, .wrongFeatureCount, .wrongValueType: "malformed-table"
      }
  }

  /// Creates the failure for labels that were stored before the range of numbers was checked.
  ///
  /// - Parameters:
  ///   - first: the first values beyond the range, each by its label and feature.
  ///   - count: the number of all of them.
  ///   - reason: what is wrong with each.
  init(outOfRange first: [(label: Int, feature: String)], count: Int, reason: String) {
    let places = first.map { "feature '\($0.feature)' of label \($0.label)" }
    if count == 1, let only = places.first {
      detail = "The \(only) \(reason). Correct or delete the label."
    } else {
      let more = count > places.count ? ", and \(count - places.count) more" : ""
      detail =
        "Each of \(count) values \(reason): \(places.joined(separator: ", "))\(more). Correct or delete these labels."
    }
    type = "not-finite"
  }

  /// The failure of a training that needs more memory than this process gives to trainings.
  ///
  /// - Parameters:
  ///   - training: the training, as the subject of the sentence.
  ///   - bytes: what it needs.
  ///   - limit: what there is.
  static func tooLarge(_ training: String, bytes: Int, limit: Int) -> TrainingFailure {
    TrainingFailure(
      type: "too-large",
      detail:
        "\(training) needs about \(max(1, bytes >> 20)) MB of memory; trainings of this server have \(limit >> 20) MB. Delete labels or use fewer features, or ask for a larger VERDICT_TRAINING_MEMORY_MB."
    )
  }

  private init(type: String, detail: String) {
    self.type = type
    self.detail = detail
  }

  /// The dataset was deleted while the training ran.
  package static let datasetDeleted = TrainingFailure(
    type: "dataset-deleted", detail: "the dataset was deleted while the training ran")
}
