/// The design columns of one term, and the penalties on them. Columns are indicators of the term's bins.
struct AdditiveTerm: Sendable {
  /// Squared differences and squares of coefficients with a weight λ of their own.
  struct Penalty: Sendable {
    /// The pairs of bins whose difference is penalised: Σ weight · (β_i − β_j)².
    var differences: [(first: Int, second: Int, weight: Double)] = []
    /// The bins whose square is penalised: Σ β_i².
    var squares: [Int] = []
    /// The rank of the penalty on coefficients that satisfy the constraints.
    var rank: Int
    /// The weight λ of the penalty.
    var lambda: Double = 1

    /// βᵀSβ.
    func value(_ beta: UnsafePointer<Double>) -> Double {
      var sum = 0.0
      for (i, j, weight) in differences {
        let difference = beta[i] - beta[j]
        sum += weight * difference * difference
      }
      for i in squares { sum += beta[i] * beta[i] }
      return sum
    }
  }

  /// The meaning of the bins.
  enum Shape: Sendable {
    /// The bins of one feature.
    case main(feature: Int)
    /// The cells of a table, `columns` for each row.
    case table(rows: Int, columns: Int)
  }

  var shape: Shape
  /// The first design column.
  var first: Int
  /// The number of bins, with the one for missing values.
  var count: Int
  var penalties: [Penalty]

  /// The term of a number: neighbouring bins are alike, a missing value has a ridge of its own.
  static func ordered(_ feature: Int, bins: Int, hasMissing: Bool, first: Int) -> AdditiveTerm {
    var penalties = [
      Penalty(differences: (0..<max(0, bins - 1)).map { ($0, $0 + 1, 1) }, rank: max(0, bins - 1))
    ]
    if bins < 2 { penalties = [] }
    // A single bin beside the missing values is determined by the constraint.
    if hasMissing { penalties.append(Penalty(squares: [bins], rank: 1)) }
    if bins == 1, !hasMissing { penalties = [Penalty(squares: [0], rank: 0)] }
    return AdditiveTerm(
      shape: .main(feature: feature), first: first, count: bins + (hasMissing ? 1 : 0), penalties: penalties)
  }

  /// The term of categories: each has a ridge.
  static func nominal(_ feature: Int, bins: Int, hasMissing: Bool, first: Int) -> AdditiveTerm {
    var penalties = [Penalty(squares: Array(0..<bins), rank: max(0, bins - 1))]
    if bins == 0 { penalties = [] }
    if hasMissing { penalties.append(Penalty(squares: [bins], rank: bins > 0 ? 1 : 0)) }
    return AdditiveTerm(
      shape: .main(feature: feature), first: first, count: bins + (hasMissing ? 1 : 0), penalties: penalties)
  }

  /// The term of a pair: neighbouring cells are alike in both directions.
  static func table(_ rows: PairAxis, _ columns: PairAxis, first: Int) -> AdditiveTerm {
    var differences: [(first: Int, second: Int, weight: Double)] = []
    for (i, j, weight) in rows.neighbours {
      for column in 0..<columns.count {
        differences.append((i * columns.count + column, j * columns.count + column, weight))
      }
    }
    for (i, j, weight) in columns.neighbours {
      for row in 0..<rows.count {
        differences.append((row * columns.count + i, row * columns.count + j, weight))
      }
    }
    return AdditiveTerm(
      shape: .table(rows: rows.count, columns: columns.count), first: first,
      count: rows.count * columns.count,
      penalties: [Penalty(differences: differences, rank: (rows.count - 1) * (columns.count - 1))])
  }
}

/// The coarser bins of a feature in the table of a pair.
struct PairAxis: Sendable, Hashable {
  /// The feature.
  var feature: Int
  /// The index on the axis of each bin of the feature, the one for missing values among them.
  var map: [UInt16]
  /// The number of indices.
  var count: Int
  /// Whether neighbouring indices are alike.
  var isOrdered: Bool
  /// The index of missing values, the last one.
  var missing: Int?

  /// The pairs of indices whose difference is penalised. Groups without an order, and the missing values, are compared with all
  /// others, with a weight that gives each index as many neighbours as in a chain.
  var neighbours: [(Int, Int, Double)] {
    let ordered = isOrdered ? count - (missing == nil ? 0 : 1) : 0
    var result = (0..<max(0, ordered - 1)).map { ($0, $0 + 1, 1.0) }
    for second in ordered..<count {
      for first in 0..<second { result.append((first, second, 2 / Double(count))) }
    }
    return result
  }
}
