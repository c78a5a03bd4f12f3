/// The sums over some rows from which the KPIs of two models follow, except for those that depend on the order of the scores.
struct PairedSums: Sendable {
  /// The sums of one model.
  struct Side: Sendable {
    /// The weights of decisions and outcomes.
    var matrix = WeightedConfusionMatrix.zero
    var logLoss = 0.0
    var brierScore = 0.0
  }

  var champion = Side()
  var challenger = Side()
  /// The sum of the weights.
  private var weight = 0.0

  /// The sums over no rows.
  init() {}

  /// The sums over one row.
  init(_ rows: PairedRows, _ row: Int) {
    let weight = rows.weight(row)
    self.weight = weight
    func side(_ predictions: HeldOutPredictions) -> Side {
      let (score, outcome) = (predictions.scores[row], rows.outcomes[row])
      var side = Side()
      side.matrix.add(weight, decision: predictions.decisions[row] == 1, outcome: outcome == 1)
      // As PointwiseLosses has them.
      let right = outcome == 1 ? score : 1 - score
      side.logLoss = -min(max(right, .ulpOfOne), 1 - .ulpOfOne).logarithm * weight
      side.brierScore = (score - Double(outcome)) * (score - Double(outcome)) * weight
      return side
    }
    champion = side(rows.champion)
    challenger = side(rows.challenger)
  }

  /// Adds other sums so many times.
  mutating func add(_ other: PairedSums, times count: Int) {
    champion.add(other.champion, times: count)
    challenger.add(other.challenger, times: count)
    weight += other.weight * Double(count)
  }

  /// A KPI of one model; nil where it is undefined or depends on the order of the scores.
  func value(_ metric: Metric, _ model: KeyPath<PairedSums, Side>) -> Double? {
    let side = self[keyPath: model]
    switch metric {
    case .logLoss: return weight > 0 ? side.logLoss / weight : nil
    case .brierScore: return weight > 0 ? side.brierScore / weight : nil
    default:
      guard case .decisions(let value, _) = metric.formula else { return nil }
      return value(side.matrix)
    }
  }
}

extension PairedSums.Side {
  fileprivate mutating func add(_ other: Self, times count: Int) {
    matrix.truePositive += other.matrix.truePositive * Double(count)
    matrix.falsePositive += other.matrix.falsePositive * Double(count)
    matrix.trueNegative += other.matrix.trueNegative * Double(count)
    matrix.falseNegative += other.matrix.falseNegative * Double(count)
    logLoss += other.logLoss * Double(count)
    brierScore += other.brierScore * Double(count)
  }
}
