/// One value of a row to predict.
public enum FeatureValue: Sendable, Hashable {
  /// The value of a continuous or discrete feature.
  case number(Double)
  /// The value of a categorical feature.
  case category(String)
  /// A missing value, for any kind of feature.
  case missing

  /// The largest magnitude of a number in rows to train on and to predict; squares of larger ones could overflow.
  public static let largestMagnitude = 1e150
}

/// One row to predict, in the feature order of the model.
public struct FeatureValues: Sendable, Hashable {
  /// The values, one for each feature of the model.
  public var values: [FeatureValue]

  /// Creates a row from its values.
  public init(_ values: [FeatureValue]) { self.values = values }
}
