/// Log loss and Brier score, each a mean over rows, with the variance of that mean.
struct PointwiseLosses: Sendable {
  private(set) var logLoss: Double?
  private(set) var logLossVariance: Double?
  private(set) var brierScore: Double?
  private(set) var brierVariance: Double?

  init(scores: [Double], outcomes: [UInt8]) {
    guard !scores.isEmpty else { return }
    let count = Double(scores.count)
    var logs = [Double](repeating: 0, count: scores.count)
    var squares = logs
    for row in scores.indices {
      let right = outcomes[row] == 1 ? scores[row] : 1 - scores[row]
      logs[row] = -min(max(right, .ulpOfOne), 1 - .ulpOfOne).logarithm
      let miss = scores[row] - Double(outcomes[row])
      squares[row] = miss * miss
    }
    (logLoss, logLossVariance) = Self.mean(logs, count)
    (brierScore, brierVariance) = Self.mean(squares, count)
  }

  private static func mean(_ values: [Double], _ count: Double) -> (Double, Double?) {
    let mean = values.reduce(0, +) / count
    guard count > 1 else { return (mean, nil) }
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, squares / (count - 1) / count)
  }
}
