/// Log loss and Brier score, each a mean over rows, with the variance of that mean.
struct PointwiseLosses: Sendable {
  private(set) var logLoss: Double?
  private(set) var logLossVariance: SamplingVariance?
  private(set) var brierScore: Double?
  private(set) var brierVariance: SamplingVariance?

  /// Computes both; `checkpoint` is called about every millisecond and cancels by throwing.
  init(_ ranking: ScoreRanking, checkpoint: () throws -> Void) rethrows {
    guard !ranking.keys.isEmpty else { return }
    guard ranking.weights == nil, ranking.clusters == nil else {
      let logs = try WeightedMean(ranking, Self.logLoss, checkpoint: checkpoint)
      let squares = try WeightedMean(ranking, Self.brierScore, checkpoint: checkpoint)
      (logLoss, logLossVariance) = (logs.mean, logs.variance)
      (brierScore, brierVariance) = (squares.mean, squares.variance)
      return
    }
    var logs = RunningVariance()
    var squares = RunningVariance()
    for block in BlockRunner.blocks(rows: ranking.keys.count, size: 32_768) {
      try checkpoint()
      let rows = ranking.keys[block]
      logs.merge(rows.lazy.map(Self.logLoss))
      squares.merge(rows.lazy.map(Self.brierScore))
    }
    (logLoss, logLossVariance) = (logs.mean, logs.varianceOfMean)
    (brierScore, brierVariance) = (squares.mean, squares.varianceOfMean)
  }

  /// The log loss of the row with this key (``ScoreRanking/key(score:outcome:)``).
  private static func logLoss(_ key: UInt64) -> Double {
    let score = Double(bitPattern: key >> 1)
    let right = key & 1 == 1 ? score : 1 - score
    return -min(max(right, .ulpOfOne), 1 - .ulpOfOne).logarithm
  }

  /// Its part of the Brier score.
  private static func brierScore(_ key: UInt64) -> Double {
    let miss = Double(bitPattern: key >> 1) - Double(key & 1)
    return miss * miss
  }

  /// A weighted mean over rows, with the variance for the effective number of rows, or with that of the sums over clusters.
  private struct WeightedMean {
    var mean = 0.0
    var variance: SamplingVariance?

    init(_ ranking: ScoreRanking, _ loss: (UInt64) -> Double, checkpoint: () throws -> Void) rethrows {
      let blocks = BlockRunner.blocks(rows: ranking.keys.count, size: 32_768)
      var sum = 0.0
      for block in blocks {
        try checkpoint()
        for place in block { sum += ranking.weight(place) * loss(ranking.keys[place]) }
      }
      let total = ranking.total
      mean = sum / total
      var squares = 0.0
      var sums = ranking.clusters.map { [Double](repeating: 0, count: $0.count) }
      for block in blocks {
        try checkpoint()
        for place in block {
          let deviation = loss(ranking.keys[place]) - mean
          if let clusters = ranking.clusters {
            sums?[Int(clusters.codes[place])] += ranking.weight(place) / total * deviation
          } else {
            squares += ranking.weight(place) / total * (deviation * deviation)
          }
        }
      }
      if let sums {
        var clusters = ClusterSums()
        for sum in sums { clusters.add(sum) }
        variance = clusters.variance
      } else if ranking.effectiveRows > 1 {
        variance = SamplingVariance(value: squares / (ranking.effectiveRows - 1))
      }
    }
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

    var varianceOfMean: SamplingVariance? {
      count > 1 ? SamplingVariance(value: squares / (count - 1) / count) : nil
    }
  }
}
