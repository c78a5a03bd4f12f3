import CKernels

/// Count, mean, variance and range of the present values of a numeric column. Rows with weights are counted by them.
struct Moments: Sendable, Hashable {
  /// The number of present values, or their weight.
  var count = 0.0
  /// The number of missing values, also where rows have weights.
  var missing = 0.0
  var mean = 0.0
  /// Sum of squared deviations from the mean.
  var squares = 0.0
  var minimum = Double.infinity
  var maximum = -Double.infinity

  init() {}

  init(_ raw: ck_moments) {
    count = raw.count
    missing = raw.missing
    mean = raw.mean
    squares = raw.squares
    minimum = raw.minimum
    maximum = raw.maximum
  }

  /// Merges the moments of other rows (Chan, Golub and LeVeque 1979).
  mutating func merge(_ other: Moments) {
    missing += other.missing
    guard other.count > 0 else { return }
    let all = count + other.count
    let delta = other.mean - mean
    squares += other.squares + delta * delta * (count / all) * other.count
    mean += delta * (other.count / all)
    count = all
    minimum = min(minimum, other.minimum)
    maximum = max(maximum, other.maximum)
  }

  /// Whether the feature has fewer than two different values, or too little variance to be standardised.
  var isConstant: Bool { !(minimum < maximum) || !(squares > 0) || !(1 / standardDeviation).isFinite }

  /// The population standard deviation, as in scikit-learn's StandardScaler (with its `sample_weight`).
  var standardDeviation: Double { count > 0 ? (squares / count).squareRoot() : 0 }
}
