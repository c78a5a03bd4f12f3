/// What a feature's values are; decides how they are stored, checked and encoded for the learner.
public enum FeatureType: String, Sendable, Codable, CaseIterable {
  /// A real number: any finite IEEE 754 double.
  case continuous
  /// A whole number whose order means something, within ±2^53 so that a double holds it exactly.
  case discrete
  /// One of a set of names without an order. Whole numbers and booleans are taken as their names: `3` is `"3"`,
  /// `true` is `"true"`.
  case categorical
}

/// One input column of a dataset.
///
/// A row keeps its numbers (continuous and discrete) and its names (categorical) in two arrays of their own; `slot`
/// is the feature's index in the one that its type selects. Features are only ever appended, so a slot never
/// changes its meaning and rows from before an extension simply have shorter arrays (absent = missing).
public struct Feature: Sendable, Hashable, Codable {
  /// The name by which rows give the value; unique in its dataset.
  public var name: String
  /// What the values are.
  public var type: FeatureType
  /// The closed list of allowed names of a categorical feature; `nil` leaves it open.
  public var categories: [String]?
  /// Index into the row's numbers (continuous, discrete) or names (categorical).
  public var slot: Int

  /// Makes a feature; see the properties for what the arguments mean.
  public init(name: String, type: FeatureType, categories: [String]? = nil, slot: Int) {
    self.name = name
    self.type = type
    self.categories = categories
    self.slot = slot
  }
}
