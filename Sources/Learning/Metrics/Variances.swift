// The variances behind the confidence intervals of KPIs.

extension ConfusionMatrix {
  /// Recall and specificity come from different rows, so that their variances add up.
  var balancedAccuracyVariance: Double? {
    guard let recall, let specificity else { return nil }
    let first = recall * (1 - recall) / Double(truePositive + falseNegative)
    let second = specificity * (1 - specificity) / Double(trueNegative + falsePositive)
    return (first + second) / 4
  }

  /// f1 = 2g / (1 + g) where g is the share of true positives among all rows that are not true negatives, a
  /// binomial share given their number; the variance follows by the delta method with dF/dg = 2 / (1 + g)².
  var f1Variance: Double? {
    let rows = truePositive + falsePositive + falseNegative
    guard rows > 0 else { return nil }
    let share = Double(truePositive) / Double(rows)
    let slope = 2 / ((1 + share) * (1 + share))
    return slope * slope * share * (1 - share) / Double(rows)
  }
}

extension ScoreRanking {
  /// The variance of the area by DeLong, DeLong and Clarke-Pearson (1988): from the share of rows of the other outcome
  /// that each row is ranked correctly against, the variances over positives and over negatives. Ranks make it one pass
  /// (Sun and Xu 2014). nil with fewer than 2 rows of either outcome.
  var rocAUCVariance: Double? {
    guard positives > 1, negatives > 1, let area = rocAUC else { return nil }
    var (below, above) = (0.0, Double(positives))
    var (ofPositives, ofNegatives) = (0.0, 0.0)
    for group in ascending {
      let (p, n) = (Double(group.positives), Double(group.negatives))
      above -= p
      let placed = (below + n / 2) / Double(negatives) - area
      let missed = (above + p / 2) / Double(positives) - area
      ofPositives += p * placed * placed
      ofNegatives += n * missed * missed
      below += n
    }
    let (m, k) = (Double(positives), Double(negatives))
    return ofPositives / (m - 1) / m + ofNegatives / (k - 1) / k
  }
}
