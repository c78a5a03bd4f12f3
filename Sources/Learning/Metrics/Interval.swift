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

  /// The interval of a share by Wilson (1927): within 0…1 and valid for few rows. nil without rows.
  static func wilson(_ part: Int, of whole: Int) -> Interval? {
    guard whole > 0 else { return nil }
    let n = Double(whole)
    let share = Double(part) / n
    let square = quantile * quantile
    let centre = (share + square / (2 * n)) / (1 + square / n)
    let half =
      quantile / (1 + square / n) * (share * (1 - share) / n + square / (4 * n * n)).squareRoot()
    return Interval(
      low: part == 0 ? 0 : max(0, centre - half), high: part == whole ? 1 : min(1, centre + half))
  }

  /// Estimate ± 1.96 standard errors, clipped to a range. nil if the variance is 0, because that is common with few rows
  /// and does not mean certainty.
  static func normal(_ estimate: Double?, variance: Double?, within range: ClosedRange<Double>) -> Interval? {
    guard let estimate, let variance, variance > 0 else { return nil }
    let half = quantile * variance.squareRoot()
    return Interval(
      low: max(range.lowerBound, estimate - half), high: min(range.upperBound, estimate + half))
  }
}
