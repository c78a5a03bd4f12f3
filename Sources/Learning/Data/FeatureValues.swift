/// One value of a row to predict on.
public enum FeatureValue: Sendable, Hashable {
  /// The value of a continuous or discrete feature.
  case number(Double)
  /// The value of a categorical feature.
  case category(String)
  /// No value, whatever the kind of the feature.
  case missing
}

/// One row to predict on, in the feature order of the model.
public struct FeatureValues: Sendable, Hashable {
  /// As many values as the model has features.
  public var values: [FeatureValue]

  /// Makes a row of the values given.
  public init(_ values: [FeatureValue]) { self.values = values }
}
