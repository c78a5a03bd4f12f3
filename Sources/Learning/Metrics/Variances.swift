// The variances behind the confidence intervals of areas.

extension ScoreRanking {
  /// The variance of the area by DeLong, DeLong and Clarke-Pearson (1988): from the share of rows of the other outcome
  /// that each row is ranked correctly against, the variances over positives and over negatives. Ranks make it one pass
  /// (Sun and Xu 2014). With weights the effective numbers of rows count. With clusters these shares are summed by cluster
  /// (Obuchowski 1997). nil with fewer than 2 rows of either outcome.
  var rocAUCVariance: SamplingVariance? {
    guard positiveRows > 1, negativeRows > 1, let area = rocAUC else { return nil }
    var (below, above) = (0.0, positives)
    var (ofPositives, ofNegatives) = (0.0, 0.0)
    var sums = clusters.map { [Placements](repeating: Placements(), count: $0.count) }
    for group in ascending {
      let (p, n) = (group.positives, group.negatives)
      above -= p
      let placed = (below + n / 2) / negatives - area
      let missed = (above + p / 2) / positives - area
      if let clusters {
        for place in group.places {
          sums?[Int(clusters.codes[place])].add(
            weight(place), placed: placed / positives, missed: missed / negatives, outcome: outcome(place))
        }
      } else {
        ofPositives += p * placed * placed
        ofNegatives += n * missed * missed
      }
      below += n
    }
    if let sums { return Self.obuchowski(sums) }
    let (m, k) = (effectivePositives, effectiveNegatives)
    guard m > 1, k > 1 else { return nil }
    return SamplingVariance(value: ofPositives / (m - 1) / positives + ofNegatives / (k - 1) / negatives)
  }

  /// The sums of one cluster.
  private struct Placements {
    var placed = 0.0
    var missed = 0.0
    var hasPositives = false
    var hasNegatives = false

    mutating func add(_ weight: Double, placed: Double, missed: Double, outcome: Bool) {
      if outcome {
        self.placed += weight * placed
        hasPositives = true
      } else {
        self.missed += weight * missed
        hasNegatives = true
      }
    }
  }

  /// S10 / m + S01 / n + 2·S11 / (m·n), each sum of squares with its own number of clusters.
  private static func obuchowski(_ clusters: [Placements]) -> SamplingVariance? {
    func scale(_ count: Int) -> Double { Double(count) / Double(count - 1) }
    let (p, n) = (clusters.count(where: \.hasPositives), clusters.count(where: \.hasNegatives))
    guard p > 1, n > 1 else { return nil }
    let value = clusters.reduce(0) { sum, cluster in
      sum + scale(p) * cluster.placed * cluster.placed + scale(n) * cluster.missed * cluster.missed
        + 2 * scale(clusters.count) * cluster.placed * cluster.missed
    }
    return SamplingVariance(
      value: max(0, value), quantile: ClusterSums.studentQuantile(degrees: Double(clusters.count - 1)))
  }

  /// The variance of the average precision from its derivatives by each row's weight.
  ///
  /// With the precision A / (A + B) at a row's score, where A and B are the weights of the positives and negatives that rank at
  /// least as high, these derivatives are, over the weight of all positives: for a positive row its precision − the average +
  /// Σ w·B / (A + B)², for a negative one − Σ w·A / (A + B)², both sums over the positives that rank at most as high.
  var averagePrecisionVariance: SamplingVariance? {
    guard positiveRows > 0, let average = averagePrecision else { return nil }
    var (a, b) = (positives, negatives)
    var (gained, lost) = (0.0, 0.0)
    var squares = 0.0
    var sums = clusters.map { [Double](repeating: 0, count: $0.count) }
    for group in ascending {
      if group.positiveRows > 0 {
        let taken = a + b
        gained += group.positives * (b / taken / taken)
        lost += group.positives * (a / taken / taken)
      }
      let ofPositive = group.positiveRows > 0 ? (a / (a + b) - average + gained) / positives : 0
      let ofNegative = -lost / positives
      if let clusters {
        for place in group.places {
          sums?[Int(clusters.codes[place])] += weight(place) * (outcome(place) ? ofPositive : ofNegative)
        }
      } else {
        squares += group.positives * ofPositive * ofPositive + group.negatives * ofNegative * ofNegative
      }
      // Rounding must not leave anything of an outcome whose rows are all below.
      a = max(0, a - group.positives)
      b = max(0, b - group.negatives)
    }
    if let sums {
      var squares = ClusterSums()
      for sum in sums { squares.add(sum) }
      return squares.variance
    }
    guard effectiveRows > 1 else { return nil }
    return SamplingVariance(value: squares * (total / (effectiveRows - 1)))
  }
}
