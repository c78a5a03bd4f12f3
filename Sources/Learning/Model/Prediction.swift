/// Something about a row that makes its prediction less sure than it looks.
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

  /// What kind of thing it is.
  public var kind: Kind
  /// The feature that it is about.
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

/// What one feature of a row adds to its log-odds.
public struct Contribution: Sendable, Codable, Hashable {
  /// The feature's name.
  public var feature: String
  /// The value as it was taken: a number or a category in text, nil for a missing value.
  public var value: String?
  /// coefficient·(value − mean). Contributions and the model's `standardizedIntercept` add up to the log-odds.
  public var contribution: Double
  /// The contribution less what an average training row has: what makes this row special.
  public var deviation: Double
}
