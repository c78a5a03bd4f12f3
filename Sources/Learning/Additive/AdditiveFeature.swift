/// One feature of an additive model and its shape function.
public struct AdditiveFeature: Sendable, Codable, Hashable {
  /// The name in the data.
  public var name: String
  /// The kind in the data.
  public var kind: ColumnKind
  /// The training rows in which it is missing.
  public var missingRows: Int
  /// Of a number: the smallest training value. Absent if all are missing.
  public var minimum: Double?
  /// Of a number: the largest training value.
  public var maximum: Double?
  /// Of a number: the ascending edges of the bins. Bin b has the values x with edges[b − 1] ≤ x < edges[b]; the first bin has no lower
  /// bound, the last no upper one. Without edges there is one bin.
  public var edges: [Double]?
  /// Of a categorical feature: the categories seen in training, in the order of the bins.
  public var categories: [String]?
  /// The log-odds of each bin: edges.count + 1 of a number, one for each category otherwise.
  public var bins: [AdditiveCell]
  /// The log-odds of a missing value; absent if none was missing in training.
  public var missing: AdditiveCell?
  /// The smoothness λ: the weight of the penalty ½λ·Σ(difference of neighbouring bins)², of categories ½λ·Σ(value)².
  public var smoothness: Double?
  /// The effective degrees of freedom of the shape function.
  public var degreesOfFreedom: Double?
  /// The mean of |f| over the training rows.
  public var importance: Double

  private enum CodingKeys: String, CodingKey {
    case name, kind, minimum, maximum, edges, categories, bins, missing, smoothness, importance
    case missingRows = "missing_rows"
    case degreesOfFreedom = "degrees_of_freedom"
  }
}

/// The log-odds that a bin, a category or a cell of a table adds.
public struct AdditiveCell: Sendable, Codable, Hashable {
  /// The log-odds.
  public var value: Double
  /// The standard error of the value; absent where it is not defined.
  public var standardError: Double?
  /// The training rows in it.
  public var rows: Int

  private enum CodingKeys: String, CodingKey {
    case value, rows
    case standardError = "standard_error"
  }
}
