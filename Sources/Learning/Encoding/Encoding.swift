/// What one fit takes from the rows that it is fitted on: means, scales and level counts for the design matrix, and
/// the weights of the outcomes.
struct Encoding: Sendable {
  /// The fold whose rows are left out, if one is.
  var excluded: Int?
  /// For each numeric feature.
  var numeric: [Moments]
  /// For each categorical feature rows of each level, missing values last.
  var factors: [[Double]]
  /// Rows with outcome 0 and 1.
  var rows: [Int]
  /// What a row with outcome 0 and 1 weighs.
  var weights: [Double]

  /// Takes the statistics of all folds but one; `rows` are those of either outcome in each fold.
  init(statistics: TableStatistics, rows: [[Int]], excluded: Int?, balanced: Bool) {
    self.excluded = excluded
    numeric = statistics.numeric.indices.map { statistics.moments($0, excluding: excluded) }
    factors = statistics.factors.indices.map { statistics.counts($0, excluding: excluded) }
    var sizes = [0, 0]
    for (fold, part) in rows.enumerated() where fold != excluded {
      for outcome in 0...1 { sizes[outcome] += part[outcome] }
    }
    self.rows = sizes
    let all = Double(sizes[0] + sizes[1])
    weights = balanced ? sizes.map { all / (2 * Double($0)) } : [1, 1]
  }

  /// What all rows weigh together.
  var totalWeight: Double { weights[0] * Double(rows[0]) + weights[1] * Double(rows[1]) }

  /// The logarithm of the odds of outcome 1, weighed: the intercept of the model without features.
  var logOdds: Double {
    (weights[1] * Double(rows[1]) / (weights[0] * Double(rows[0]))).logarithm
  }

  /// The loss of the model without features.
  var nullLoss: Double {
    zip(weights, rows).reduce(0) { sum, part in
      let mass = part.0 * Double(part.1)
      return sum - mass * (mass / totalWeight).logarithm
    }
  }
}
