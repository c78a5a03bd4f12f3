/// Predictions of which the outcome is known for a part, that differs between the decisions 0 and 1.
///
/// The labelled predictions of each decision stand for all of its predictions (post-stratification by the decision; Horvitz and
/// Thompson 1952; Holt and Smith 1979). Without that, a KPI describes the predictions that somebody chose to label
/// (verification bias; Begg and Greenes 1983).
struct DecisionSample: Sendable {
  /// The decisions and outcomes of the labelled predictions.
  let matrix: ConfusionMatrix
  /// All predictions, at least the labelled ones.
  let total: DecisionCounts

  /// A sample of `total` predictions; a total that is smaller than the labelled predictions is their number.
  init(_ matrix: ConfusionMatrix, of total: DecisionCounts) {
    self.matrix = matrix
    let labelled = DecisionCounts(matrix)
    self.total = DecisionCounts(
      zeros: max(total.zeros, labelled.zeros), ones: max(total.ones, labelled.ones))
  }

  /// The labelled predictions of each decision.
  var labelled: DecisionCounts { DecisionCounts(matrix) }

  /// Whether every outcome is known.
  var isComplete: Bool { labelled == total }

  /// The decision that has predictions and no known outcome; nil if there is none.
  var unknownDecision: Bool? {
    for decision in [false, true] where labelled[decision] == 0 && total[decision] > 0 { return decision }
    return nil
  }

  /// The share of a decision among all predictions.
  func share(_ decision: Bool) -> Double {
    total.total > 0 ? Double(total[decision]) / Double(total.total) : 0
  }

  /// The share of outcome 1 among the labelled predictions of a decision, with Wilson's interval.
  private func positives(of decision: Bool) -> Estimate {
    let part = decision ? matrix.truePositive : matrix.falseNegative
    return Estimate(part, of: labelled[decision])
  }

  private struct Estimate {
    var value: Double
    var interval: Interval?

    init(_ part: Int, of whole: Int) {
      value = whole > 0 ? Double(part) / Double(whole) : 0
      interval = .wilson(part, of: whole)
    }
  }

  /// The value and the interval of a KPI of the shares; nil where it is undefined.
  ///
  /// The interval adds up the squares of the differences that each of the three independent estimates makes to the KPI when it
  /// moves to the worse and to the better end of its own interval: the share of outcome 1 of either decision, and the share of the
  /// decisions (Zou and Donner 2008; for a sum of strata the stratified Wilson interval of Yan and Su 2010). With few
  /// rows of one decision the interval stays wide even if all of them were right, and the delta method's would not.
  func measure(
    _ metric: Metric, _ formula: (DecisionShares) -> Double?
  ) -> (value: Double, interval: Interval?)? {
    let (ofOnes, ofZeros) = (positives(of: true), positives(of: false))
    let ones = Estimate(total.ones, of: total.total)
    let shares = DecisionShares(ones: ones.value, ofOnes: ofOnes.value, ofZeros: ofZeros.value)
    guard let value = formula(shares) else { return nil }
    var (below, above) = (0.0, 0.0)
    func move(_ interval: Interval?, _ change: (inout DecisionShares, Double) -> Void) {
      var differences = [0.0]
      for end in interval.map({ [$0.low, $0.high] }) ?? [] {
        var moved = shares
        change(&moved, end)
        if let other = formula(moved) { differences.append(other - value) }
      }
      let (low, high) = (differences.min() ?? 0, differences.max() ?? 0)
      below += low * low
      above += high * high
    }
    move(ofOnes.interval) { $0.ofOnes = $1 }
    move(ofZeros.interval) { $0.ofZeros = $1 }
    // A decision that was never made has no share to be uncertain about.
    if total.zeros > 0, total.ones > 0 { move(ones.interval) { $0.ones = $1 } }
    guard below > 0 || above > 0 else { return (value, nil) }
    let range = metric.range
    return (
      value,
      Interval(
        low: max(range.lowerBound, value - below.squareRoot()),
        high: min(range.upperBound, value + above.squareRoot()))
    )
  }
}

/// The shares of decisions and outcomes among all predictions, from which KPIs of decisions follow.
struct DecisionShares: Sendable {
  /// The share of the predictions that were decided 1.
  var ones: Double
  /// The share of outcome 1 among these.
  var ofOnes: Double
  /// The share of outcome 1 among those that were decided 0.
  var ofZeros: Double

  private var truePositive: Double { ones * ofOnes }
  private var falsePositive: Double { ones * (1 - ofOnes) }
  private var falseNegative: Double { (1 - ones) * ofZeros }
  private var trueNegative: Double { (1 - ones) * (1 - ofZeros) }

  /// The share of outcome 1.
  var positives: Double { truePositive + falseNegative }
  /// The KPIs; see ``ConfusionMatrix``.
  var accuracy: Double { truePositive + trueNegative }
  var precision: Double? { ratio(truePositive, ones) }
  var recall: Double? { ratio(truePositive, positives) }
  var specificity: Double? { ratio(trueNegative, trueNegative + falsePositive) }
  var f1: Double? { ratio(2 * truePositive, 2 * truePositive + falsePositive + falseNegative) }
  var baselineAccuracy: Double { max(positives, 1 - positives) }
  var balancedAccuracy: Double? {
    guard let recall, let specificity else { return nil }
    return (recall + specificity) / 2
  }
  var mcc: Double? {
    let square = ones * positives * (1 - ones) * (1 - positives)
    guard square > 0 else { return nil }
    return (truePositive * trueNegative - falsePositive * falseNegative) / square.squareRoot()
  }

  private func ratio(_ part: Double, _ whole: Double) -> Double? { whole > 0 ? part / whole : nil }
}
