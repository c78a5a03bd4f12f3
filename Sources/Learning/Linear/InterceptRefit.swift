/// The maximum-likelihood intercept of a model whose slopes are held, as a shift of the present one.
///
/// Weights that balance the outcomes multiply the odds of every row, so that the probabilities of a balanced fit are those of
/// a population with as many positives as negatives. The prior correction (King and Zeng 2001, Logistic Regression in Rare
/// Events Data) divides the odds by the ratio of the weights, which is exact where the model is. The maximum of the likelihood
/// over the intercept alone (logistic recalibration: Cox 1958, Two Further Applications of a Model for Binary Regression)
/// makes the weighted mean probability equal to the weighted share of outcome 1 for any slopes. The correction is its
/// starting point.
struct InterceptRefit: Sendable {
  /// The total weight of the rows with outcome 0.
  var negatives: Double
  /// The total weight of the rows with outcome 1.
  var positives: Double

  /// Rounding in the sum of the probabilities is far below this share of the rarer outcome.
  private static let tolerance = 1e-11
  /// The most evaluations; four to six are usual.
  private static let evaluations = 60
  /// The longest step on the logit scale.
  private static let longestStep = 30.0

  /// Solves Σ w·p = Σ w·y for the shift.
  ///
  /// Both sides are compared as log-odds of their means. The difference rises with the shift with a slope between 0 and 1, so
  /// that a step of the slope 1 falls short of the root, and later steps take the slope of the last two points, which is
  /// Newton's method without second derivatives. A step that leaves the interval of the root is replaced by its middle. If
  /// the margins separate the outcomes, the likelihood is flat to within rounding around its maximum, and the first shift in
  /// the flat part is the result.
  ///
  /// - Parameters:
  ///   - start: the first shift to try.
  ///   - expected: returns Σ w·sigmoid(margin + shift), the sum of the weighted probabilities over the rows of both outcomes.
  /// - Returns: the shift; 0 if the likelihood has no maximum, because one outcome has no weight or the margins are not finite.
  func shift(from start: Double, expected: (Double) throws -> Double) rethrows -> Double {
    guard positives > 0, negatives > 0, (positives + negatives).isFinite else { return 0 }
    let goal = (positives / negatives).logarithm
    var shift = start.isFinite ? start : 0
    var (low, high) = (-Double.infinity, Double.infinity)
    var last: (shift: Double, excess: Double)?
    for _ in 0..<Self.evaluations {
      let sum = try expected(shift)
      guard sum.isFinite else { return 0 }
      let miss = sum - positives
      if abs(miss) <= Self.tolerance * min(positives, negatives) { return shift }
      if miss > 0 { high = min(high, shift) } else { low = max(low, shift) }
      // Where the sum is 0 or everything to within rounding, the difference has no size but has a sign.
      let odds = (sum / (positives + negatives - sum)).logarithm - goal
      let excess = odds.isFinite ? odds : miss > 0 ? Self.longestStep : -Self.longestStep
      let slope = last.map { (excess - $0.excess) / (shift - $0.shift) } ?? 1
      let step = excess / (slope > 1e-3 && slope <= 1 ? slope : 1)
      var next = shift - max(-Self.longestStep, min(Self.longestStep, step))
      if next <= low || next >= high {
        next = low.isFinite && high.isFinite ? low + (high - low) / 2 : shift - excess
      }
      if abs(next - shift) <= 4 * .ulpOfOne * max(1, abs(shift)) { return next }
      last = (shift, excess)
      shift = next
    }
    return shift
  }
}
