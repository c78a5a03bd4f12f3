/// The sums over some rows from which the KPIs of two models follow, except for those that depend on the order of the scores.
struct PairedSums: Sendable {
  /// The sums of one model.
  struct Side: Sendable {
    /// The weights of decisions and outcomes, in units of the mean weight / ``PairedSums/resolution`` if rows have weights.
    var matrix = ConfusionMatrix(truePositive: 0, falsePositive: 0, trueNegative: 0, falseNegative: 0)
    var logLoss = 0.0
    var brierScore = 0.0
  }

  var champion = Side()
  var challenger = Side()
  /// The sum of the weights.
  private var weight = 0.0

  /// The weight 1 of weighted rows in the counts, so that the one definition of each KPI serves them, too.
  static let resolution = Double(1 << 20)

  /// The sums over no rows.
  init() {}

  /// The sums over one row.
  ///
  /// - Parameter scale: the mean weight of all rows.
  init(_ rows: PairedRows, _ row: Int, scale: Double) {
    let weight = rows.weight(row)
    self.weight = weight
    let count = rows.weights == nil ? 1 : Int((weight / scale * Self.resolution).rounded())
    func side(_ predictions: HeldOutPredictions) -> Side {
      let (score, outcome) = (predictions.scores[row], rows.outcomes[row])
      var side = Side()
      switch (predictions.decisions[row], outcome) {
      case (1, 1): side.matrix.truePositive = count
      case (1, _): side.matrix.falsePositive = count
      case (_, 1): side.matrix.falseNegative = count
      default: side.matrix.trueNegative = count
      }
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
    matrix.truePositive += other.matrix.truePositive * count
    matrix.falsePositive += other.matrix.falsePositive * count
    matrix.trueNegative += other.matrix.trueNegative * count
    matrix.falseNegative += other.matrix.falseNegative * count
    logLoss += other.logLoss * Double(count)
    brierScore += other.brierScore * Double(count)
  }
}
