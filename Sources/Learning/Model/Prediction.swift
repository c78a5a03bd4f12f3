/// A finding about a row that makes its prediction less reliable.
public struct PredictionWarning: Sendable, Codable, Hashable {
  /// The kinds of warnings.
  public enum Kind: String, Sendable, Codable, Hashable, CaseIterable {
    /// A category that training did not see; it adds nothing.
    case unseenCategory = "unseen_category"
    /// A number outside the range of the training values.
    case outsideRange = "outside_range"
    /// A missing value where training had none; the mean (nothing, for a category) stands in.
    case unseenMissing = "unseen_missing"
  }

  /// The kind.
  public var kind: Kind
  /// The feature concerned.
  public var feature: String
  /// One sentence.
  public var detail: String
}

/// The answer to one row.
public struct Prediction: Sendable, Codable, Hashable {
  /// Of outcome 1.
  public var probability: Double
  /// 1 if the probability is at or above the model's threshold, else 0.
  public var label: Int
  /// Empty for an ordinary row.
  public var warnings: [PredictionWarning]
}
