/// The attributes of the rows of a batch, each with an element for each row; `nil` if no row has it.
public struct CaseAttributes: Sendable, Hashable {
  /// The references.
  public var references: StringColumn?
  /// The groups.
  public var groups: StringColumn?
  /// The times of the cases in microseconds since 1970-01-01 00:00:00 UTC; ``noTime`` for none.
  public var times: [Int64]?
  /// The weights; NaN for none.
  public var weights: [Double]?
  /// The splits: 0 for none, 1 for `train`, 2 for `validation`.
  public var splits: [UInt8]?

  /// The mark of a row without a time.
  public static let noTime = Int64.min
  /// No attributes.
  public static let none = CaseAttributes()

  /// Creates attributes; see the properties.
  public init(
    references: StringColumn? = nil, groups: StringColumn? = nil, times: [Int64]? = nil,
    weights: [Double]? = nil, splits: [UInt8]? = nil
  ) {
    self.references = references
    self.groups = groups
    self.times = times
    self.weights = weights
    self.splits = splits
  }

  /// Whether no row has an attribute.
  public var isEmpty: Bool {
    references == nil && groups == nil && times == nil && weights == nil && splits == nil
  }

  /// The time of a row; `nil` for none.
  public func time(_ row: Int) -> Int64? {
    guard let time = times?[row], time != Self.noTime else { return nil }
    return time
  }

  /// The weight of a row; `nil` for none.
  public func weight(_ row: Int) -> Double? {
    guard let weight = weights?[row], !weight.isNaN else { return nil }
    return weight
  }

  /// The split of a row; `nil` for none.
  public func split(_ row: Int) -> RowSplit? {
    switch splits?[row] {
    case 1: .train
    case 2: .validation
    default: nil
    }
  }

  /// The memory that the attributes take, in bytes.
  var byteCount: Int {
    (references?.byteCount ?? 0) + (groups?.byteCount ?? 0) + (times?.count ?? 0) * 8
      + (weights?.count ?? 0) * 8 + (splits?.count ?? 0)
  }
}
