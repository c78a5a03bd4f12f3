/// The kind of a feature's values, which decides how they are checked, stored and encoded for the learner.
public enum FeatureType: String, Sendable, Codable, CaseIterable {
  /// A real number: any finite IEEE 754 double.
  case continuous
  /// A whole number within ±2^53, which a double represents exactly.
  case discrete
  /// One of a set of names without an order. Whole numbers and booleans are read as names: `3` as `"3"`, `true` as
  /// `"true"`.
  case categorical
}

/// One input column of a schema.
///
/// A row keeps its numbers (continuous and discrete) and its names (categorical) in two arrays; `slot` is the index in the
/// array that the type selects. Features are only ever appended, so a slot never changes its meaning, and rows from before
/// an extension have shorter arrays.
public struct Feature: Sendable, Hashable, Codable {
  /// The name of the value in rows; unique in its schema.
  public var name: String
  /// The kind of the values.
  public var type: FeatureType
  /// The closed list of allowed names of a categorical feature; `nil` leaves it open.
  public var categories: [String]?
  /// Index into the row's numbers (continuous, discrete) or names (categorical).
  public var slot: Int

  /// Creates a feature; see the properties.
  public init(name: String, type: FeatureType, categories: [String]? = nil, slot: Int) {
    self.name = name
    self.type = type
    self.categories = categories
    self.slot = slot
  }
}
