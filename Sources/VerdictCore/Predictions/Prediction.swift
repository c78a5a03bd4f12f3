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

/// Which stored predictions a list shows.
public struct PredictionFilter: Sendable {
  /// Only those that were labelled afterwards, or only those that were not.
  public var labelled: Bool?
  /// Only those of one model version.
  public var modelVersion: Int?
  /// Only those given at this time or later.
  public var createdFrom: Date?
  /// Only those given before this time.
  public var createdBefore: Date?

  /// All predictions.
  public init() {}
}

/// In which order a list shows stored predictions, with the place after which a page begins.
public enum PredictionOrder: Sendable, Equatable {
  /// The newest first, those before an id.
  case newest(before: UUID?)
  /// Those first whose probability is nearest to the threshold, after a distance and an id.
  case uncertainty(after: Place?)

  /// A prediction's place in the order of uncertainty.
  public struct Place: Sendable, Equatable {
    /// How far the probability is from the threshold.
    public var distance: Double
    /// Among equally uncertain ones the smaller id comes first.
    public var id: UUID

    /// Makes a place; see the properties.
    public init(distance: Double, id: UUID) {
      self.distance = distance
      self.id = id
    }
  }
}

extension StoredPrediction {
  /// Its place in the order of uncertainty.
  public var uncertainty: PredictionOrder.Place { .init(distance: abs(probability - threshold), id: id) }
}
