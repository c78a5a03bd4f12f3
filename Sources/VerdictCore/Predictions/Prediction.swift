public import Foundation
public import Learning

/// A stored answer.
public struct StoredPrediction: Sendable {
  /// UUID version 7.
  public var id: UUID
  /// When it was given.
  public var createdAt: Date
  /// The version that gave it.
  public var modelVersion: Int
  /// The answer.
  public var label: Bool
  /// The probability of 1.
  public var probability: Double
  /// From which probability on the answer is 1.
  public var threshold: Double
  /// What was asked.
  public var row: FeatureRow
  /// What the model had to remark.
  public var warnings: [PredictionWarning]
  /// What was true, if it was said, and when.
  public var truth: Truth?

  /// What a client said was true.
  public struct Truth: Sendable, Equatable {
    /// The true outcome.
    public var label: Bool
    /// When it was said last.
    public var at: Date
  }
}

/// An answer as it goes out at once.
public struct PredictionAnswer: Sendable {
  /// The stored prediction's id; `nil` if it was not stored.
  public var id: UUID?
  /// The model that answered.
  public var model: ServedModel
  /// The features in the model's order, for contributions.
  public var values: FeatureValues
  /// The answer with its probability and warnings.
  public var prediction: Prediction
}

/// Which stored predictions a list shows.
public struct PredictionFilter: Sendable {
  /// Only those that were labelled afterwards, or only those that were not.
  public var labelled: Bool?
  /// Only those of one model version.
  public var modelVersion: Int?

  /// All predictions.
  public init() {}
}
