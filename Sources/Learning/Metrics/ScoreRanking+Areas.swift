extension ScoreRanking {
  /// Area under the ROC curve: the share of pairs of a positive and a negative row in which the positive one has the
  /// higher score, ties counting half. A pair weighs the product of its weights. nil if there is no such pair.
  var rocAUC: Double? {
    guard positiveRows > 0, negativeRows > 0 else { return nil }
    var below = 0.0
    var doubled = 0.0
    for group in ascending {
      doubled += group.positives * (2 * below + group.negatives)
      below += group.negatives
    }
    let area = doubled / (2 * positives * negatives)
    return weights == nil ? area : min(1, area)
  }

  /// Average precision Σ (Rᵢ − Rᵢ₋₁)·Pᵢ over falling thresholds, as scikit-learn defines it. nil without positives.
  var averagePrecision: Double? {
    guard positiveRows > 0 else { return nil }
    var found = 0.0
    var taken = 0.0
    var sum = 0.0
    for group in descending {
      found += group.positives
      taken += group.positives + group.negatives
      if group.positiveRows > 0 { sum += group.positives * (found / taken) }
    }
    return weights == nil ? sum / positives : min(1, sum / positives)
  }

  /// The interval of the area: the normal one by DeLong, or for an area of 0 or 1, whose estimated variance is 0, an exact one.
  ///
  /// k = min(positives, negatives) pairs of different rows are independent, and all of them are ranked rightly with the
  /// probability areaᵏ. So a true area below 0.025^(1/k) has a probability of at most 2.5 % to be measured as 1 (Clopper and
  /// Pearson 1934). With weights the effective numbers count; with clusters each gives one pair, and a pair takes two. nil with
  /// fewer than 2 rows of either outcome.
  var rocAUCInterval: Interval? {
    guard let area = rocAUC, let variance = rocAUCVariance else { return nil }
    if let interval = Interval.normal(area, variance: variance, within: 0...1) { return interval }
    guard area == 0 || area == 1, let pairs = independentRows.map({ min($0.positives, $0.negatives) })
    else { return nil }
    let end = (0.025.logarithm / pairs).exponential
    return area == 1 ? Interval(low: end, high: 1) : Interval(low: 0, high: 1 - end)
  }

  /// The interval of the average precision: the delta method with the derivative by each row's weight (the infinitesimal
  /// jackknife; Jaeckel 1972) on the logit scale (Boyd, Eng and Page 2013).
  ///
  /// For a precision of 1, whose estimated variance is 0: if no row of one outcome is beyond m rows of the other, the
  /// probability that a new one is is below 1 − 0.0125^(1/m), except in 1.25 % of all samples. The lower end is the area if that many
  /// negatives are ranked first and that many positives last. nil with fewer than 2 rows of either outcome.
  var averagePrecisionInterval: Interval? {
    guard let value = averagePrecision, positiveRows > 1, negativeRows > 1 else { return nil }
    let variance = averagePrecisionVariance
    if variance?.value ?? 0 > 1e-30 { return .logit(value, variance: variance) }
    guard value == 1, let independent = independentRows else { return nil }
    let found = (0.0125.logarithm / independent.positives).exponential
    let alarms =
      (1 - (0.0125.logarithm / independent.negatives).exponential) * independent.negatives
      / independent.positives
    return Interval(low: max(0, found - alarms * (1 + found / alarms).logarithm), high: 1)
  }

  /// The numbers of rows of each outcome that count as independent of each other; nil if there are none.
  private var independentRows: (positives: Double, negatives: Double)? {
    guard let clusters else { return (effectivePositives, effectiveNegatives) }
    var has = [UInt8](repeating: 0, count: clusters.count)
    for place in keys.indices { has[Int(clusters.codes[place])] |= outcome(place) ? 2 : 1 }
    let (p, n) = (Double(has.count { $0 & 2 != 0 }), Double(has.count { $0 & 1 != 0 }))
    let both = Double(has.count { $0 == 3 })
    // A cluster with both outcomes stands for one of them.
    let result = (min(effectivePositives, p - both / 2), min(effectiveNegatives, n - both / 2))
    return result.0 >= 1 && result.1 >= 1 ? result : nil
  }
}
