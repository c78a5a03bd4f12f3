import Foundation

/// The variance of an estimate, with the quantile that makes it an interval.
struct SamplingVariance: Sendable, Hashable {
  var value: Double
  /// The 97.5 % quantile of the distribution of (estimate − truth) / standard error.
  var quantile = Interval.quantile
}

/// Adds up the squares of the influence of each cluster on an estimate. Their sum, times G / (G − 1) for G clusters, is the
/// variance of the estimate, whatever the dependence within a cluster (Liang and Zeger 1986). It is used with Student's
/// distribution with G − 1 degrees of freedom.
struct ClusterSums {
  private var count = 0.0
  private var squares = 0.0

  mutating func add(_ influence: Double) {
    count += 1
    squares += influence * influence
  }

  /// nil with fewer than two clusters.
  var variance: SamplingVariance? {
    guard count > 1 else { return nil }
    return SamplingVariance(
      value: squares * count / (count - 1), quantile: Self.studentQuantile(degrees: count - 1))
  }

  /// The 97.5 % quantile of Student's distribution: exact for 1 and 2 degrees of freedom, otherwise by the expansion in powers of
  /// 1 / degrees (Abramowitz and Stegun 1964, 26.7.5), within 0.2 %.
  static func studentQuantile(degrees: Double) -> Double {
    if degrees <= 1 { return tan(0.475 * .pi) }
    if degrees <= 2 { return 2 * 0.475 * (2 / (1 - 4 * 0.475 * 0.475)).squareRoot() }
    let z = Interval.quantile
    let s = z * z
    let terms = [
      z * (s + 1) / 4,
      z * (5 * s * s + 16 * s + 3) / 96,
      z * (3 * s * s * s + 19 * s * s + 17 * s - 15) / 384,
      z * (79 * s * s * s * s + 776 * s * s * s + 1482 * s * s - 1920 * s - 945) / 92_160,
    ]
    return terms.reversed().reduce(0) { ($0 + $1) / degrees } + z
  }
}
