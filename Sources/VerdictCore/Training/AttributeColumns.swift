import Learning

/// The attributes of labels by column. A column that no row has a value for takes no memory.
struct AttributeColumns: Sendable {
  /// The attributes of one row.
  struct Row: Sendable, Hashable {
    var weight: Double?
    /// The code of the group in a ``GroupIndex``.
    var group = GroupIndex.none
    var split = RowAttributes.Split.none
    /// In microseconds since 1970; 0 where times are not read.
    var time: Int64 = 0
  }

  /// Whether the rows have times.
  let hasTimes: Bool
  /// The number of rows.
  private(set) var count = 0
  private var weights: [Double]?
  private var groups: [Int32]?
  private var splits: [RowAttributes.Split]?
  private var times: [Int64] = []

  /// Creates columns without rows.
  init(hasTimes: Bool) { self.hasTimes = hasTimes }

  /// The bytes of one row.
  var rowBytes: Int {
    (weights == nil ? 0 : 8) + (groups == nil ? 0 : 4) + (splits == nil ? 0 : 1) + (hasTimes ? 8 : 0)
  }

  /// The attributes of a row.
  subscript(row: Int) -> Row {
    Row(
      weight: weights?[row], group: groups?[row] ?? GroupIndex.none, split: splits?[row] ?? .none,
      time: hasTimes ? times[row] : 0)
  }

  /// Appends a row.
  mutating func append(_ row: Row) {
    count += 1
    if hasTimes { times.append(row.time) }
    if weights != nil { weights?.append(row.weight ?? 1) }
    if groups != nil { groups?.append(row.group) }
    if splits != nil { splits?.append(row.split) }
    create(for: row, at: count - 1)
  }

  /// Appends the rows of other columns, which have times if these have.
  mutating func append(_ other: borrowing AttributeColumns) {
    Self.append(other.weights, to: &weights, default: 1, count: count, more: other.count)
    Self.append(other.groups, to: &groups, default: GroupIndex.none, count: count, more: other.count)
    Self.append(other.splits, to: &splits, default: .none, count: count, more: other.count)
    if hasTimes { times += other.times }
    count += other.count
  }

  /// Replaces a row.
  mutating func replace(_ place: Int, with row: Row) {
    if hasTimes { times[place] = row.time }
    if weights != nil { weights?[place] = row.weight ?? 1 }
    if groups != nil { groups?[place] = row.group }
    if splits != nil { splits?[place] = row.split }
    create(for: row, at: place)
  }

  /// Keeps only the rows at `places`, in that order, one column after the other.
  mutating func pick(_ places: [Int]) {
    weights = weights.map { column in places.map { column[$0] } }
    groups = groups.map { column in places.map { column[$0] } }
    splits = splits.map { column in places.map { column[$0] } }
    if hasTimes { times = places.map { [times] in times[$0] } }
    count = places.count
  }

  /// Removes the rows and keeps the capacity of the times.
  mutating func removeAll() {
    self.weights = nil
    self.groups = nil
    self.splits = nil
    times.removeAll(keepingCapacity: true)
    count = 0
  }

  /// Makes room for rows in the columns that exist.
  mutating func reserve(_ rows: Int) {
    weights?.reserveCapacity(rows)
    groups?.reserveCapacity(rows)
    splits?.reserveCapacity(rows)
    if hasTimes { times.reserveCapacity(rows) }
  }

  /// Returns the attributes in the learner's form. Columns without any value are dropped, and groups numbered by their first row,
  /// so that the result depends on the present rows alone.
  mutating func attributes(_ index: inout GroupIndex) -> RowAttributes {
    if weights?.allSatisfy({ $0 == 1 }) == true { weights = nil }
    if splits?.allSatisfy({ $0 == .none }) == true { splits = nil }
    if groups?.allSatisfy({ $0 == GroupIndex.none }) == true { groups = nil }
    if groups == nil { index = GroupIndex() }
    if var rows = groups {
      groups = nil
      index.number(&rows)
      groups = rows
    }
    return RowAttributes(weights: weights, groups: groups, times: hasTimes ? times : nil, splits: splits)
  }

  /// Creates the columns that a row is the first to have a value for.
  private mutating func create(for row: Row, at place: Int) {
    if let weight = row.weight, weights == nil {
      weights = Array(repeating: 1, count: count)
      weights?[place] = weight
    }
    if row.group != GroupIndex.none, groups == nil {
      groups = Array(repeating: GroupIndex.none, count: count)
      groups?[place] = row.group
    }
    if row.split != .none, splits == nil {
      splits = Array(repeating: .none, count: count)
      splits?[place] = row.split
    }
  }

  private static func append<Value>(
    _ other: [Value]?, to column: inout [Value]?, default: Value, count: Int, more: Int
  ) {
    guard column != nil || other != nil else { return }
    if column == nil { column = Array(repeating: `default`, count: count) }
    if let other {
      column?.append(contentsOf: other)
    } else {
      column?.append(contentsOf: repeatElement(`default`, count: more))
    }
  }
}
