/// Chooses a threshold by a rule on held-out scores.
struct ThresholdChoice: Sendable {
  var threshold: Double
  var warning: TrainingWarning?

  /// Tries the midpoints between neighbouring scores and both ends; of equally good thresholds the nearest to the default one
  /// (`usual`) is chosen.
  init(
    _ rule: ThresholdRule, ranking: ScoreRanking, usual: Double = TrainingParameters.defaultThreshold
  ) {
    if case .fixed(let value) = rule {
      threshold = value
      return
    }
    var best: (threshold: Double, quality: Quality)?
    Self.visit(ranking) { threshold, matrix in
      guard let quality = Quality(rule, matrix) else { return }
      if let found = best {
        if quality < found.quality { return }
        if quality == found.quality, abs(threshold - usual) >= abs(found.threshold - usual) { return }
      }
      best = (threshold, quality)
    }
    threshold = best?.threshold ?? usual
    if case .atLeast(let floor, let value) = rule, best.map({ !$0.quality.reached }) ?? true {
      warning = TrainingWarning(
        kind: .thresholdOutOfReach,
        detail: """
          No threshold reaches a \(floor.rawValue) of \(value) on the rows held out; the one with the highest \
          \(floor.rawValue) was taken.
          """)
    }
  }

  /// The quality of a threshold: reaching the minimum comes before the value.
  private struct Quality: Comparable {
    var reached: Bool
    var value: Double

    init?(_ rule: ThresholdRule, _ matrix: WeightedConfusionMatrix) {
      reached = true
      switch rule {
      case .fixed: return nil
      case .maximize(let objective):
        guard let quality = objective.value(matrix) else { return nil }
        value = quality
      case .atLeast(let floor, let minimum):
        let (wanted, other) =
          floor == .precision ? (matrix.precision, matrix.recall) : (matrix.recall, matrix.precision)
        guard let wanted else { return nil }
        reached = wanted >= minimum
        value = reached ? other ?? 0 : wanted
      case .cost(let falsePositive, let falseNegative):
        value = -(falsePositive * matrix.falsePositive + falseNegative * matrix.falseNegative)
      }
    }

    static func < (a: Quality, b: Quality) -> Bool {
      a.reached == b.reached ? a.value < b.value : !a.reached
    }
  }

  /// Calls `body` with every threshold that decides differently, ascending.
  private static func visit(_ ranking: ScoreRanking, _ body: (Double, WeightedConfusionMatrix) -> Void) {
    var matrix = WeightedConfusionMatrix(
      truePositive: ranking.positives, falsePositive: ranking.negatives, trueNegative: 0, falseNegative: 0)
    var (positiveRows, negativeRows) = (ranking.positiveRows, ranking.negativeRows)
    body(0, matrix)
    var groups = ranking.ascending
    var group = groups.next()
    while let here = group {
      matrix.truePositive -= here.positives
      matrix.falseNegative += here.positives
      matrix.falsePositive -= here.negatives
      matrix.trueNegative += here.negatives
      // Rounding must not leave a weight where no row is left.
      positiveRows -= here.positiveRows
      negativeRows -= here.negativeRows
      if positiveRows == 0 { matrix.truePositive = 0 }
      if negativeRows == 0 { matrix.falsePositive = 0 }
      group = groups.next()
      // A highest score of 1 leaves no threshold above it.
      if group == nil, here.score == 1 { return }
      let next = group?.score ?? 1
      let middle = here.score + (next - here.score) / 2
      // No double lies between two adjacent ones; the upper one separates them as well.
      body(middle > here.score ? middle : next, matrix)
    }
  }
}

extension ThresholdRule.Objective {
  fileprivate func value(_ matrix: WeightedConfusionMatrix) -> Double? {
    switch self {
    case .f1: matrix.f1
    case .mcc: matrix.mcc
    case .accuracy: matrix.accuracy
    case .balancedAccuracy, .youden: matrix.balancedAccuracy
    }
  }
}
