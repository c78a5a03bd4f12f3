/// The threshold that a rule comes to on held-out scores.
struct ThresholdChoice: Sendable {
  var threshold: Double
  var warning: TrainingWarning?

  /// Tries a threshold between every two neighbouring scores and at both ends; of equally good ones the nearest to
  /// 0.5 wins.
  init(_ rule: ThresholdRule, ranking: ScoreRanking) {
    if case .fixed(let value) = rule {
      threshold = value
      return
    }
    var best: (threshold: Double, merit: Merit)?
    for (threshold, matrix) in Self.candidates(ranking) {
      guard let merit = Merit(rule, matrix) else { continue }
      if let found = best {
        if merit < found.merit { continue }
        if merit == found.merit, abs(threshold - 0.5) >= abs(found.threshold - 0.5) { continue }
      }
      best = (threshold, merit)
    }
    threshold = best?.threshold ?? 0.5
    if case .atLeast(let floor, let value) = rule, best.map({ !$0.merit.reached }) ?? true {
      warning = TrainingWarning(
        kind: .thresholdOutOfReach,
        detail: """
          No threshold reaches a \(floor.rawValue) of \(value) on the rows held out; the one with the highest \
          \(floor.rawValue) was taken.
          """)
    }
  }

  /// How good a threshold is: first whether it reaches what was asked for, then how much of it there is.
  private struct Merit: Comparable {
    var reached: Bool
    var value: Double

    init?(_ rule: ThresholdRule, _ matrix: ConfusionMatrix) {
      reached = true
      switch rule {
      case .fixed: return nil
      case .maximize(let objective):
        guard let merit = objective.value(matrix) else { return nil }
        value = merit
      case .atLeast(let floor, let minimum):
        let (wanted, other) =
          floor == .precision ? (matrix.precision, matrix.recall) : (matrix.recall, matrix.precision)
        guard let wanted else { return nil }
        reached = wanted >= minimum
        value = reached ? other ?? 0 : wanted
      case .cost(let falsePositive, let falseNegative):
        value = -(falsePositive * Double(matrix.falsePositive) + falseNegative * Double(matrix.falseNegative))
      }
    }

    static func < (a: Merit, b: Merit) -> Bool {
      a.reached == b.reached ? a.value < b.value : !a.reached
    }
  }

  /// All thresholds that decide differently, rising.
  private static func candidates(_ ranking: ScoreRanking) -> [(Double, ConfusionMatrix)] {
    var matrix = ConfusionMatrix(
      truePositive: ranking.positives, falsePositive: ranking.negatives, trueNegative: 0, falseNegative: 0)
    var result = [(0.0, matrix)]
    for (index, group) in ranking.groups.enumerated() {
      matrix.truePositive -= group.positives
      matrix.falseNegative += group.positives
      matrix.falsePositive -= group.negatives
      matrix.trueNegative += group.negatives
      let next = index + 1 < ranking.groups.count ? ranking.groups[index + 1].score : 1
      let middle = group.score + (next - group.score) / 2
      // Between two neighbouring doubles there is none; the upper one parts them as well.
      result.append((middle > group.score ? middle : next, matrix))
    }
    // A highest score of 1 leaves no threshold above it.
    if ranking.groups.last?.score == 1 { result.removeLast() }
    return result
  }
}

extension ThresholdRule.Objective {
  fileprivate func value(_ matrix: ConfusionMatrix) -> Double? {
    switch self {
    case .f1: matrix.f1
    case .mcc: matrix.mcc
    case .accuracy: matrix.accuracy
    case .balancedAccuracy, .youden: matrix.balancedAccuracy
    }
  }
}
