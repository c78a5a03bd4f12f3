/// Log loss and Brier score, each a mean over rows, with the variance of that mean.
struct PointwiseLosses: Sendable {
  private(set) var logLoss: Double?
  private(set) var logLossVariance: Double?
  private(set) var brierScore: Double?
  private(set) var brierVariance: Double?

  /// Computes both; `checkpoint` is called about every millisecond and cancels by throwing.
  init(_ ranking: ScoreRanking, checkpoint: () throws -> Void) rethrows {
    guard !ranking.keys.isEmpty else { return }
    var logs = RunningVariance()
    var squares = RunningVariance()
    for block in BlockRunner.blocks(rows: ranking.keys.count, size: 32_768) {
      try checkpoint()
      let rows = ranking.keys[block]
      logs.merge(
        rows.lazy.map { key in
          let score = Double(bitPattern: key >> 1)
          let right = key & 1 == 1 ? score : 1 - score
          return -min(max(right, .ulpOfOne), 1 - .ulpOfOne).logarithm
        })
      squares.merge(
        rows.lazy.map { key in
          let miss = Double(bitPattern: key >> 1) - Double(key & 1)
          return miss * miss
        })
    }
    (logLoss, logLossVariance) = (logs.mean, logs.varianceOfMean)
    (brierScore, brierVariance) = (squares.mean, squares.varianceOfMean)
  }

  /// Mean and squared deviations, merged block by block (Chan, Golub and LeVeque 1979).
  private struct RunningVariance {
    var count = 0.0
    var mean = 0.0
    var squares = 0.0

    mutating func merge(_ values: some Sequence<Double>) {
      let values = Array(values)
      let size = Double(values.count)
      let blockMean = values.reduce(0, +) / size
      let (delta, all) = (blockMean - mean, count + size)
      squares += values.reduce(0) { $0 + ($1 - blockMean) * ($1 - blockMean) }
      squares += delta * delta * (count / all) * size
      mean += delta * (size / all)
      count = all
    }

    var varianceOfMean: Double? { count > 1 ? squares / (count - 1) / count : nil }
  }
}
