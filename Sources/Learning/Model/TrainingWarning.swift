/// A finding of a training that succeeded, for its owner.
public struct TrainingWarning: Sendable, Codable, Hashable {
  /// The kinds of warnings.
  public enum Kind: String, Sendable, Codable, Hashable, CaseIterable {
    /// The split was not made as asked for, because there are too few rows.
    case validationChanged = "validation_changed"
    /// Some measured rows have the same feature values as rows of the fitted part.
    case duplicateRows = "duplicate_rows"
    /// The iteration ended before the tolerance was reached.
    case notConverged = "not_converged"
    /// Some features tell the outcomes apart without error, so that the likelihood has no maximum.
    case separated
    /// A feature has only one value and is left out.
    case constantFeature = "constant_feature"
    /// A feature follows from others and is left out.
    case collinearFeature = "collinear_feature"
    /// No threshold reaches the value asked for.
    case thresholdOutOfReach = "threshold_out_of_reach"
  }

  /// The kind.
  public var kind: Kind
  /// The feature concerned, if there is one.
  public var feature: String?
  /// One sentence.
  public var detail: String

  /// Makes a warning.
  public init(kind: Kind, feature: String? = nil, detail: String) {
    self.kind = kind
    self.feature = feature
    self.detail = detail
  }
}
