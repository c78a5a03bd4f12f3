// The confidence intervals of KPIs that follow from decisions and outcomes. With clusters, variances are those of sums over
// whole clusters (linearisation; Binder 1983, On the variances of asymptotically normal estimators from complex surveys).

extension MeasuredDecisions {
  /// The interval of a share by Wilson, for the effective number of rows.
  ///
  /// With clusters this number is the one whose binomial variance is the clustered variance, at most the effective number of rows
  /// (Korn and Graubard 1998, Confidence intervals for proportions with small expected number of positive counts); for a share
  /// of 0 or 1, whose estimated variance is 0, the effective number of clusters.
  func interval(
    _ part: (WeightedConfusionMatrix) -> Double, of whole: (WeightedConfusionMatrix) -> Double
  ) -> Interval? {
    let (some, all, rows) = (part(weights), whole(weights), effectiveRows(whole))
    guard all > 0 else { return nil }
    let share = some / all
    guard let clusters else { return .wilson(share, rows: rows) }
    var sums = ClusterSums()
    var squares = 0.0
    for cluster in clusters where whole(cluster) > 0 {
      sums.add((part(cluster) - share * whole(cluster)) / all)
      squares += whole(cluster) / all * (whole(cluster) / all)
    }
    guard let variance = sums.variance else { return nil }
    let isCertain = share <= 0 || share >= 1
    let effective = isCertain ? 1 / squares : share * (1 - share) / variance.value
    return .wilson(share, rows: min(rows, effective), quantile: variance.quantile)
  }

  /// The interval of the balanced accuracy. Recall and specificity come from different rows, so that their variances add up.
  /// Where both are 0 or 1, the distances to the ends of their own intervals are combined (Newcombe 1998, Interval estimation
  /// for the difference between independent proportions).
  var balancedAccuracyInterval: Interval? {
    guard let value = weights.balancedAccuracy, let recall = weights.recall,
      let specificity = weights.specificity
    else { return nil }
    let (p, n) = (weights.positives, weights.negatives)
    let slopes = WeightedConfusionMatrix(
      truePositive: weights.falseNegative / p / p / 2, falsePositive: -weights.trueNegative / n / n / 2,
      trueNegative: weights.falsePositive / n / n / 2, falseNegative: -weights.truePositive / p / p / 2)
    let first = recall * (1 - recall) / effectiveRows(\.positives)
    let second = specificity * (1 - specificity) / effectiveRows(\.negatives)
    let variance = clustered(slopes) ?? SamplingVariance(value: (first + second) / 4)
    if let interval = Interval.normal(value, variance: variance, within: 0...1) { return interval }
    guard let a = interval(\.truePositive, of: \.positives), let b = interval(\.trueNegative, of: \.negatives)
    else { return nil }
    func half(_ first: Double, _ second: Double) -> Double {
      (first * first + second * second).squareRoot() / 2
    }
    return Interval(
      low: max(0, value - half(recall - a.low, specificity - b.low)),
      high: min(1, value + half(a.high - recall, b.high - specificity)))
  }

  /// The interval of F1 = 2g / (1 + g), where g is the share of true positives among all rows that are not true negatives, a
  /// binomial share given their number. The variance follows by the delta method with dF/dg = 2 / (1 + g)². Where it is 0, the
  /// ends are those of the interval of g.
  var f1Interval: Interval? {
    let all = weights.exceptTrueNegative
    guard all > 0, let value = weights.f1 else { return nil }
    let share = weights.truePositive / all
    let slope = 2 / ((1 + share) * (1 + share))
    let twice = 2 * weights.truePositive + weights.falsePositive + weights.falseNegative
    let loss = -2 * weights.truePositive / twice / twice
    let slopes = WeightedConfusionMatrix(
      truePositive: 2 * (weights.falsePositive + weights.falseNegative) / twice / twice, falsePositive: loss,
      trueNegative: 0, falseNegative: loss)
    let variance =
      clustered(slopes)
      ?? SamplingVariance(
        value: slope * slope * share * (1 - share) / effectiveRows(\.exceptTrueNegative))
    if let interval = Interval.normal(value, variance: variance, within: 0...1) { return interval }
    guard let ends = interval(\.truePositive, of: \.exceptTrueNegative) else { return nil }
    return Interval(low: 2 * ends.low / (1 + ends.low), high: 2 * ends.high / (1 + ends.high))
  }

  /// The interval of the Matthews correlation coefficient: the delta method on the four shares of a multinomial distribution,
  /// on the scale of Fisher's z = artanh(mcc), whose ends stay within ±1. For a coefficient of ±1, the other end is that at the
  /// ends of the intervals of recall and specificity.
  var mccInterval: Interval? {
    guard let value = weights.mcc else { return nil }
    guard abs(value) < 1 - 1e-12 else { return perfectMCCInterval(value) }
    let (tp, fp) = (weights.truePositive, weights.falsePositive)
    let (tn, fn) = (weights.trueNegative, weights.falseNegative)
    let (one, zero, p, n) = (tp + fp, tn + fn, tp + fn, tn + fp)
    let root = one.squareRoot() * zero.squareRoot() * p.squareRoot() * n.squareRoot()
    func slope(_ product: Double, _ row: Double, _ column: Double) -> Double {
      product / root - value / 2 * (1 / row + 1 / column)
    }
    let slopes = WeightedConfusionMatrix(
      truePositive: slope(tn, one, p), falsePositive: slope(-fn, one, n), trueNegative: slope(tp, zero, n),
      falseNegative: slope(-fp, zero, p))
    return .fisher(value, variance: clustered(slopes) ?? independent(slopes))
  }

  private func perfectMCCInterval(_ value: Double) -> Interval? {
    guard let recall = interval(\.truePositive, of: \.positives),
      let specificity = interval(\.trueNegative, of: \.negatives)
    else { return nil }
    let (r, s) = value > 0 ? (recall.low, specificity.low) : (recall.high, specificity.high)
    let (p, n) = (weights.positives, weights.negatives)
    let other = WeightedConfusionMatrix(
      truePositive: r * p, falsePositive: (1 - s) * n, trueNegative: s * n, falseNegative: (1 - r) * p)
    guard let end = other.mcc else { return nil }
    return value > 0 ? Interval(low: end, high: 1) : Interval(low: -1, high: end)
  }

  /// The variance of a function of the shares, from its derivatives by Σw of each element; the rows are independent.
  private func independent(_ slopes: WeightedConfusionMatrix) -> SamplingVariance {
    let squares = WeightedConfusionMatrix(
      truePositive: slopes.truePositive * slopes.truePositive,
      falsePositive: slopes.falsePositive * slopes.falsePositive,
      trueNegative: slopes.trueNegative * slopes.trueNegative,
      falseNegative: slopes.falseNegative * slopes.falseNegative)
    let all = weights.total
    return SamplingVariance(value: weights.dot(squares) * (all / effectiveRows(\.total)))
  }

  /// The same for clusters of rows; nil for independent rows. Infinite with a single cluster.
  private func clustered(_ slopes: WeightedConfusionMatrix) -> SamplingVariance? {
    guard let clusters else { return nil }
    var sums = ClusterSums()
    for cluster in clusters { sums.add(slopes.dot(cluster)) }
    return sums.variance ?? SamplingVariance(value: .infinity)
  }
}
