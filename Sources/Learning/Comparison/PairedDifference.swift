import Foundation

/// The difference of a KPI between two models on the same rows, challenger − champion.
public struct PairedDifference: Sendable, Codable, Hashable {
  /// The test behind the interval and the p-value.
  public enum Test: String, Sendable, Codable, Hashable {
    /// The paired test of two ROC areas by DeLong, DeLong and Clarke-Pearson (1988).
    case delong
    /// McNemar's test (1947) of two shares of right decisions, exact for few rows that are decided differently.
    case mcnemar
    /// The paired bootstrap: rows are drawn anew, each with the predictions of both models (Efron and Tibshirani 1993).
    case bootstrap
  }

  /// The champion's value; nil where it is undefined.
  public var champion: Double?
  /// The challenger's value; nil where it is undefined.
  public var challenger: Double?
  /// challenger − champion; nil where one is undefined.
  public var difference: Double?
  /// The 95 % confidence interval of the difference; nil where the rows give none.
  public var interval: Interval?
  /// The probability of a difference at least as large between models of the same quality; nil without a test.
  public var pValue: Double?
  /// The test.
  public var test: Test

  /// The JSON names of the members.
  public enum CodingKeys: String, CodingKey {
    /// `champion`.
    case champion
    /// `challenger`.
    case challenger
    /// `difference`.
    case difference
    /// `interval`.
    case interval
    /// `pValue`.
    case pValue = "p_value"
    /// `test`.
    case test
  }

  /// The difference of two values without an interval.
  init(_ champion: Double?, _ challenger: Double?, _ test: Test) {
    self.champion = champion
    self.challenger = challenger
    self.test = test
    if let champion, let challenger { difference = challenger - champion }
  }

  /// Writes every member, undefined ones as null.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(champion, forKey: .champion)
    try values.encode(challenger, forKey: .challenger)
    try values.encode(difference, forKey: .difference)
    try values.encode(interval, forKey: .interval)
    try values.encode(pValue, forKey: .pValue)
    try values.encode(test, forKey: .test)
  }

  /// Sets the interval, difference ± 1.96 standard errors, and the p-value of the normal distribution. A variance of 0 gives
  /// none: with few rows it is common and does not mean certainty.
  ///
  /// - Parameter width: the largest possible difference, to which the interval is clipped.
  mutating func setNormal(variance: Double?, width: Double) {
    interval = .normal(
      difference, variance: variance.map { SamplingVariance(value: $0) }, within: -width...width)
    guard let difference, let variance, variance > 0 else { return }
    pValue = Self.twoSided(difference / variance.squareRoot())
  }

  /// The two-sided p-value of a standard normal statistic.
  static func twoSided(_ z: Double) -> Double { erfc(abs(z) / 2.0.squareRoot()) }

  /// Sets what is certain of models that predict the same for every row: they do not differ.
  mutating func setAlike() {
    guard difference != nil else { return }
    (interval, pValue) = (Interval(low: 0, high: 0), 1)
  }

  /// Whether the challenger is not worse than the champion by more than `margin`, as far as the rows can show (non-inferiority:
  /// Piaggio and others, CONSORT 2012).
  ///
  /// The careful end of the interval decides: the lower one, or the upper one of a loss. Where the rows give no interval, the
  /// difference itself decides. A champion whose value is undefined is never better, and a challenger's undefined value is worse
  /// than any.
  ///
  /// - Parameters:
  ///   - margin: the largest loss of quality that does not matter, in the units of the KPI, at least 0.
  ///   - isLowerBetter: whether less of the KPI is better.
  public func isNotWorse(by margin: Double, isLowerBetter: Bool) -> Bool {
    guard champion != nil else { return true }
    guard let difference else { return false }
    // Fits that differ only by rounding tie.
    let margin = margin + 1e-9
    return isLowerBetter
      ? (interval?.high ?? difference) <= margin : (interval?.low ?? difference) >= -margin
  }
}
