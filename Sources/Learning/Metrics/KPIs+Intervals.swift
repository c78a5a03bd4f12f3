extension KPIs {
  /// The intervals of everything that has one: Wilson for shares, DeLong for the ROC area, the delta method for what
  /// is computed from several shares, the standard error of the mean for the losses.
  func confidence(ranking: ScoreRanking, losses: PointwiseLosses) -> [String: Interval] {
    let matrix = confusionMatrix
    let (tp, fp) = (matrix.truePositive, matrix.falsePositive)
    let (tn, fn) = (matrix.trueNegative, matrix.falseNegative)
    let intervals: [Metric: Interval?] = [
      .accuracy: .wilson(tp + tn, of: matrix.total),
      .precision: .wilson(tp, of: tp + fp),
      .recall: .wilson(tp, of: tp + fn),
      .specificity: .wilson(tn, of: tn + fp),
      .balancedAccuracy: .normal(balancedAccuracy, variance: matrix.balancedAccuracyVariance, within: 0...1),
      .f1: .normal(f1, variance: matrix.f1Variance, within: 0...1),
      .rocAUC: .normal(rocAUC, variance: ranking.rocAUCVariance, within: 0...1),
      .logLoss: .normal(
        logLoss, variance: losses.logLossVariance, within: 0...Double.greatestFiniteMagnitude),
      .brierScore: .normal(brierScore, variance: losses.brierVariance, within: 0...1),
    ]
    return Dictionary(
      uniqueKeysWithValues: intervals.compactMap { metric, interval in
        interval.map { (metric.rawValue, $0) }
      })
  }
}

extension ConfusionMatrix {
  /// Recall and specificity come from different rows, so that their variances add up.
  fileprivate var balancedAccuracyVariance: Double? {
    guard let recall, let specificity else { return nil }
    let first = recall * (1 - recall) / Double(truePositive + falseNegative)
    let second = specificity * (1 - specificity) / Double(trueNegative + falsePositive)
    return (first + second) / 4
  }

  /// f1 = 2g / (1 + g) where g is the share of true positives among all rows that are not true negatives, a
  /// binomial share given their number; the variance follows by the delta method with dF/dg = 2 / (1 + g)².
  fileprivate var f1Variance: Double? {
    let rows = truePositive + falsePositive + falseNegative
    guard rows > 0 else { return nil }
    let share = Double(truePositive) / Double(rows)
    let slope = 2 / ((1 + share) * (1 + share))
    return slope * slope * share * (1 - share) / Double(rows)
  }
}

extension ScoreRanking {
  /// The variance of the area by DeLong, DeLong and Clarke-Pearson (1988): for every row the share of rows of the
  /// other outcome that it is ranked rightly against; the variances of these shares, over positives and over
  /// negatives. Ranks make it one pass (Sun and Xu 2014). nil with fewer than 2 rows of either outcome.
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
