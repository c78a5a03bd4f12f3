/// The attributes of rows that are no features: how much each counts, who it belongs to, when its case happened, and the owner's
/// split. An attribute that no row has is `nil`.
public struct RowAttributes: Sendable {
  /// The owner's choice of the part that a row belongs to.
  public enum Split: UInt8, Sendable {
    /// No choice.
    case none
    /// The row may be fitted on and is not measured.
    case train
    /// The row is measured, and only the final fit on all rows sees it.
    case validation
  }

  /// The sample weight of each row, finite and above 0.
  public var weights: [Double]?
  /// The code of each row's group, from 0 and below the number of rows; -1 for a row without one.
  public var groups: [Int32]?
  /// The time of each row's case, in microseconds since 1970-01-01 00:00:00 UTC.
  public var times: [Int64]?
  /// The split of each row.
  public var splits: [Split]?

  /// No attributes.
  public static let none = RowAttributes()

  /// Creates attributes; see the properties.
  public init(
    weights: [Double]? = nil, groups: [Int32]? = nil, times: [Int64]? = nil, splits: [Split]? = nil
  ) {
    self.weights = weights
    self.groups = groups
    self.times = times
    self.splits = splits
  }

  /// Whether each attribute has a value for each of `rows` rows, the weights are finite and positive, and the codes in their range.
  func fits(rows: Int) -> Bool {
    [weights?.count, groups?.count, times?.count, splits?.count].allSatisfy { $0 == nil || $0 == rows }
      && (weights?.allSatisfy { $0 > 0 && $0 < .infinity } ?? true)
      && (groups?.allSatisfy { $0 >= -1 && $0 < rows } ?? true)
  }
}
