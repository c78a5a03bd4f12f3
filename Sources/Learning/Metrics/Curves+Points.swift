extension Curves {
  static func roc(_ ranking: ScoreRanking) -> [ROCPoint] {
    guard ranking.positiveRows > 0, ranking.negativeRows > 0 else { return [] }
    var line = Line<ROCPoint>(of: ranking.groupCount + 1) { ($0.falsePositiveRate, $0.truePositiveRate) }
    line.append(ROCPoint(threshold: nil, falsePositiveRate: 0, truePositiveRate: 0))
    var (p, n) = (0.0, 0.0)
    for group in ranking.descending {
      p += group.positives
      n += group.negatives
      // The last point is exact, although weights are added up in another order here.
      let isLast = group.places.lowerBound == 0
      line.append(
        ROCPoint(
          threshold: group.score, falsePositiveRate: isLast ? 1 : min(1, n / ranking.negatives),
          truePositiveRate: isLast ? 1 : min(1, p / ranking.positives)))
    }
    return line.simplified(to: Self.points)
  }

  static func precisionRecall(_ ranking: ScoreRanking) -> [PrecisionRecallPoint] {
    guard ranking.positiveRows > 0 else { return [] }
    var line = Line<PrecisionRecallPoint>(of: ranking.groupCount) { ($0.recall, $0.precision) }
    var (p, taken) = (0.0, 0.0)
    for group in ranking.descending {
      p += group.positives
      taken += group.positives + group.negatives
      let isLast = group.places.lowerBound == 0
      line.append(
        PrecisionRecallPoint(
          threshold: group.score, precision: min(1, p / taken),
          recall: isLast ? 1 : min(1, p / ranking.positives)))
    }
    return line.simplified(to: Self.points)
  }

  static func calibration(_ ranking: ScoreRanking) -> [CalibrationBin] {
    var result: [CalibrationBin] = []
    var (count, positives, sum, seen) = (0.0, 0.0, 0.0, 0.0)
    var first = 0
    for group in ranking.ascending {
      let size = group.positives + group.negatives
      count += size
      positives += group.positives
      sum += group.score * size
      seen += size
      let places = first..<group.places.upperBound
      // The bin is full when its share of the rows has been seen.
      guard
        seen * Double(bins) >= ranking.total * Double(result.count + 1)
          || places.upperBound == ranking.keys.count
      else { continue }
      // A variance of a single cluster is unknown.
      result.append(
        CalibrationBin(
          meanProbability: sum / count, observed: positives / count,
          interval: interval(ranking, places) ?? Interval(low: 0, high: 1), rows: places.count))
      (count, positives, sum) = (0, 0, 0)
      first = places.upperBound
    }
    return result
  }

  /// The interval of the share of outcome 1 among the rows at some places: that of the accuracy of deciding 1 for all of them.
  private static func interval(_ ranking: ScoreRanking, _ places: Range<Int>) -> Interval? {
    var codes: [Int32: Int] = [:]
    if let clusters = ranking.clusters {
      for place in places where codes[clusters.codes[place]] == nil {
        codes[clusters.codes[place]] = codes.count
      }
    }
    var decisions = MeasuredDecisions(
      isWeighted: ranking.weights != nil, clusters: ranking.clusters == nil ? nil : codes.count)
    for place in places {
      decisions.add(
        decision: true, outcome: ranking.outcome(place), weight: ranking.weight(place),
        cluster: ranking.clusters.flatMap { codes[$0.codes[place]] })
    }
    return decisions.interval(\.truePositive, of: \.total)
  }
}
