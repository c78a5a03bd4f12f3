import Foundation

/// A 95 % confidence interval. JSON: `[low, high]`.
public struct Interval: Sendable, Hashable, Codable {
  /// The lower end.
  public var low: Double
  /// The upper end.
  public var high: Double

  /// The 97.5 % quantile of the standard normal distribution.
  static let quantile = 1.959963984540054

  /// Makes an interval from its ends.
  public init(low: Double, high: Double) {
    self.low = low
    self.high = high
  }

  /// Reads `[low, high]`.
  public init(from decoder: any Decoder) throws {
    var values = try decoder.unkeyedContainer()
    low = try values.decode(Double.self)
    high = try values.decode(Double.self)
  }

  /// Writes `[low, high]`.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.unkeyedContainer()
    try values.encode(low)
    try values.encode(high)
  }

  /// The interval of the share of `part` rows of `whole`; nil without rows.
  static func wilson(_ part: Int, of whole: Int) -> Interval? {
    whole > 0 ? wilson(Double(part) / Double(whole), rows: Double(whole)) : nil
  }

  /// The interval of a share of so many rows by Wilson (1927): within 0…1 and valid for few rows. nil without rows.
  static func wilson(_ share: Double, rows n: Double, quantile: Double = quantile) -> Interval? {
    guard n > 0 else { return nil }
    let square = quantile * quantile
    let centre = (share + square / (2 * n)) / (1 + square / n)
    let half =
      quantile / (1 + square / n) * (share * (1 - share) / n + square / (4 * n * n)).squareRoot()
    return Interval(
      low: share == 0 ? 0 : max(0, centre - half), high: share == 1 ? 1 : min(1, centre + half))
  }

  /// Estimate ± 1.96 standard errors, clipped to a range. nil if the variance is 0, because that is common with few rows
  /// and does not mean certainty.
  static func normal(
    _ estimate: Double?, variance: SamplingVariance?, within range: ClosedRange<Double>
  ) -> Interval? {
    guard let estimate, let variance, variance.value > 0, variance.value.isFinite else { return nil }
    let half = variance.quantile * variance.value.squareRoot()
    return Interval(
      low: max(range.lowerBound, estimate - half), high: min(range.upperBound, estimate + half))
  }

  /// The interval of a number strictly between 0 and 1 that is symmetric on the logit scale, so that its ends are within 0…1.
  static func logit(_ estimate: Double?, variance: SamplingVariance?) -> Interval? {
    guard let estimate, estimate > 0, estimate < 1, let variance, variance.value > 0, variance.value.isFinite
    else { return nil }
    let middle = (estimate / (1 - estimate)).logarithm
    let half = variance.quantile * variance.value.squareRoot() / (estimate * (1 - estimate))
    return Interval(low: (middle - half).sigmoid, high: (middle + half).sigmoid)
  }

  /// The interval of a correlation strictly between −1 and 1 that is symmetric on the scale of Fisher's z (1921).
  static func fisher(_ estimate: Double?, variance: SamplingVariance?) -> Interval? {
    guard let estimate, abs(estimate) < 1, let variance, variance.value > 0, variance.value.isFinite
    else { return nil }
    let half = variance.quantile * variance.value.squareRoot() / (1 - estimate * estimate)
    return Interval(low: tanh(atanh(estimate) - half), high: tanh(atanh(estimate) + half))
  }
}
