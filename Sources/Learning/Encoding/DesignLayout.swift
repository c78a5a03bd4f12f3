/// The mapping of features to design columns. Column 0 is the intercept; then come the numbers, the indicators of missing
/// numbers, and a block of columns for each categorical feature: dense columns first, one-hot columns last.
struct DesignLayout: Sendable, Hashable {
  /// The design columns of one feature.
  enum Slot: Sendable, Hashable {
    /// The `index`-th numeric feature.
    case numeric(index: Int, column: Int, indicator: Int?)
    /// The `index`-th categorical feature; level l has column `first + l`, missing values have column `missing`.
    case factor(index: Int, first: Int, levels: Int, missing: Int?)
  }

  /// The columns of each feature, in feature order.
  var slots: [Slot] = []
  var numericCount = 0
  var factorCount = 0
  /// Intercept, numbers and indicators.
  var denseCount = 1
  /// The number of all columns.
  var columns = 1

  /// Lays out the features of a table; `statistics` tells which have missing values.
  init(_ table: TrainingTable, statistics: TableStatistics) {
    numericCount = table.kinds.count { $0 != .categorical }
    var numeric = 0
    var next = 1 + numericCount
    for column in table.columns {
      switch column {
      case .numeric:
        let missing = statistics.numeric[numeric].contains { $0.missing > 0 }
        slots.append(.numeric(index: numeric, column: 1 + numeric, indicator: missing ? next : nil))
        next += missing ? 1 : 0
        numeric += 1
      case .categorical(_, let levels):
        slots.append(.factor(index: factorCount, first: 0, levels: levels.count, missing: nil))
        factorCount += 1
      }
    }
    denseCount = next
    for (position, slot) in slots.enumerated() {
      guard case .factor(let index, _, let levels, _) = slot else { continue }
      let missing = statistics.factors[index].contains { $0[levels] > 0 }
      slots[position] = .factor(
        index: index, first: next, levels: levels, missing: missing ? next + levels : nil)
      next += levels + (missing ? 1 : 0)
    }
    columns = next
  }
}
