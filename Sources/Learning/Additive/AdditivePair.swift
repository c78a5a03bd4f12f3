/// A pair of features whose joint effect differs from the sum of their own effects.
public struct AdditivePair: Sendable, Codable, Hashable {
  /// How the values of one of the two features fall into rows, or columns, of the table.
  public struct Axis: Sendable, Codable, Hashable {
    /// The index of the feature in the model.
    public var feature: Int
    /// Of a number: the ascending edges, a part of those of its shape function, with the same rule.
    public var edges: [Double]?
    /// Of a categorical feature: the index on the axis of each of its categories.
    public var groups: [Int]?
    /// The index on the axis of a missing value, the last one; absent if none was missing in training.
    public var missing: Int?
    /// The number of indices on the axis.
    public var count: Int
  }

  /// The axis of the table's rows.
  public var first: Axis
  /// The axis of the table's columns.
  public var second: Axis
  /// The cells, `second.count` for each index of the first axis. A value that has no index on an axis, such as an unseen category, adds
  /// nothing.
  public var cells: [AdditiveCell]
  /// The smoothness λ: the weight of the penalty on squared differences of neighbouring cells in both directions.
  public var smoothness: Double?
  /// The effective degrees of freedom of the table.
  public var degreesOfFreedom: Double?
  /// The mean of |f| over the training rows.
  public var importance: Double

  private enum CodingKeys: String, CodingKey {
    case first, second, cells, smoothness, importance
    case degreesOfFreedom = "degrees_of_freedom"
  }
}
