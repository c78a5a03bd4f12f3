/// The encoding of one fit, derived from the rows that it is fitted on: means, scales and level counts for the design matrix,
/// and the weights of the outcomes.
struct Encoding: Sendable {
  /// The fold whose rows are excluded, if there is one.
  var excluded: Int?
  /// Moments of each numeric feature.
  var numeric: [Moments]
  /// Rows of each level of each categorical feature, missing values last.
  var factors: [[Double]]
  /// The total weight of these rows; equal to `factors` where rows have no weights.
  var levelWeights: [[Double]]
  /// The numbers of rows with outcome 0 and 1.
  var rows: [Int]
  /// The total of the rows' own weights with outcome 0 and 1; the numbers of rows where they have none.
  var masses: [Double]
  /// The effective number of rows; nil where they have no weights of their own.
  var effectiveRows: Double?
  /// The weights of the outcomes 0 and 1, which multiply those of the rows.
  var weights: [Double]

  /// Combines the statistics of all folds but `excluded`; `rows` are the numbers of rows of each outcome in each fold.
  init(statistics: TableStatistics, rows: [[Int]], excluded: Int?, balanced: Bool) {
    self.excluded = excluded
    numeric = statistics.numeric.indices.map { statistics.moments($0, excluding: excluded) }
    factors = statistics.factors.indices.map { statistics.counts($0, excluding: excluded) }
    levelWeights =
      statistics.outcomeWeights == nil
      ? factors : statistics.levelWeights.indices.map { statistics.weights($0, excluding: excluded) }
    var sizes = [0, 0]
    for (fold, part) in rows.enumerated() where fold != excluded {
      for outcome in 0...1 { sizes[outcome] += part[outcome] }
    }
    self.rows = sizes
    masses = sizes.map { Double($0) }
    if let parts = statistics.outcomeWeights {
      var all = OutcomeWeights()
      for (fold, part) in parts.enumerated() where fold != excluded { all.add(part) }
      masses = all.sums
      effectiveRows = all.effectiveRows
    }
    let all = masses[0] + masses[1]
    weights = balanced ? masses.map { all / (2 * $0) } : [1, 1]
  }

  /// The total weight of all rows.
  var totalWeight: Double { weights[0] * masses[0] + weights[1] * masses[1] }

  /// The weighted log-odds of outcome 1: the intercept of the model without features.
  var logOdds: Double {
    (weights[1] * masses[1] / (weights[0] * masses[0])).logarithm
  }

  /// The loss of the model without features.
  var nullLoss: Double {
    zip(weights, masses).reduce(0) { sum, part in
      let mass = part.0 * part.1
      return sum - mass * (mass / totalWeight).logarithm
    }
  }
}

extension Encoding {
  /// Converts coefficients of the standardised columns to the scale of the original features.
  func original(_ beta: [Double], layout: DesignLayout) -> [Double] {
    var result = beta
    for case .numeric(let index, let column, _) in layout.slots {
      let moments = numeric[index]
      result[column] = moments.isConstant ? 0 : beta[column] / moments.standardDeviation
      result[0] -= result[column] * moments.mean
    }
    return result
  }

  /// The inverse of ``original(_:layout:)``, precise enough for the start of a fit.
  func standardized(_ original: [Double], layout: DesignLayout) -> [Double] {
    var result = original
    for case .numeric(let index, let column, _) in layout.slots {
      let moments = numeric[index]
      result[column] = moments.isConstant ? 0 : original[column] * moments.standardDeviation
      result[0] += moments.isConstant ? 0 : original[column] * moments.mean
    }
    return result
  }
}
