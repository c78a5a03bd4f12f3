import Testing

@testable import Learning

/// Tests of KPIs of labelled predictions that stand for all predictions of a model.
@Suite struct DecisionSampleTests {
  /// Probabilities that a model gives, how often it gives each, and how often the outcome is then 1: a model that is too sure.
  private static let grid: [(score: Double, share: Double, outcome: Double)] = (0..<20).map { step in
    let score = 0.025 + 0.05 * Double(step)
    return (score, 21 - Double(step), 0.1 + 0.75 * score)
  }
  private static let threshold = 0.5

  /// One prediction.
  private static func draw(_ generator: inout SplitMix64) -> (score: Double, outcome: UInt8) {
    var place = Double.random(in: 0..<grid.reduce(0) { $0 + $1.share }, using: &generator)
    for cell in grid {
      place -= cell.share
      if place < 0 { return (cell.score, Double.random(in: 0..<1, using: &generator) < cell.outcome ? 1 : 0) }
    }
    return (0, 0)
  }

  /// The KPIs of infinitely many predictions: those of a table with as many rows of each kind as its probability says.
  private static func truth() throws -> KPIs {
    var (scores, outcomes): ([Double], [UInt8]) = ([], [])
    for cell in grid {
      let count = Int((400 * cell.share).rounded())
      let ones = Int((Double(count) * cell.outcome).rounded())
      scores += Array(repeating: cell.score, count: count)
      outcomes += (0..<count).map { $0 < ones ? 1 : 0 }
    }
    return try KPIs(scores: scores, outcomes: outcomes, threshold: threshold)
  }

  /// Eight tenths of the decisions 1 are labelled, and a quarter of the decisions 0. Without weights, recall is far too high.
  @Test func `estimates are unbiased and intervals cover the truth in 95 of 100 cases`() throws {
    let metrics: [Metric] = [
      .accuracy, .balancedAccuracy, .precision, .recall, .specificity, .f1, .mcc, .rocAUC, .prAUC, .logLoss,
      .brierScore,
    ]
    let truth = try Self.truth()
    var generator = SplitMix64(seed: 16)
    let rounds = 600
    var (covered, sums): ([Metric: Int], [Metric: Double]) = ([:], [:])
    var plain = 0.0
    for _ in 0..<rounds {
      var (scores, outcomes): ([Double], [UInt8]) = ([], [])
      var total = DecisionCounts()
      for _ in 0..<2_000 {
        let (score, outcome) = Self.draw(&generator)
        let decision = score >= Self.threshold
        total[decision] += 1
        guard Double.random(in: 0..<1, using: &generator) < (decision ? 0.8 : 0.25) else { continue }
        scores.append(score)
        outcomes.append(outcome)
      }
      let kpis = try KPIs(
        scores: scores, outcomes: outcomes, threshold: Self.threshold, standingFor: total)
      for metric in metrics {
        let (value, expected) = (try #require(kpis[metric]), try #require(truth[metric]))
        let interval = try #require(kpis.intervals[metric])
        sums[metric, default: 0] += value
        if interval.low <= expected, expected <= interval.high { covered[metric, default: 0] += 1 }
      }
      plain += try KPIs(scores: scores, outcomes: outcomes, threshold: Self.threshold)[.recall] ?? 0
    }
    for metric in metrics {
      let share = Double(covered[metric] ?? 0) / Double(rounds)
      #expect((0.93...0.97).contains(share), "\(metric) is covered in \(share)")
      let bias = (sums[metric] ?? 0) / Double(rounds) - (truth[metric] ?? 0)
      #expect(abs(bias) < 0.005, "\(metric) is off by \(bias)")
    }
    #expect(plain / Double(rounds) - (truth[.recall] ?? 0) > 0.2)
  }

  @Test func `a decision without a known outcome leaves only precision`() throws {
    let (scores, outcomes): ([Double], [UInt8]) = ([0.6, 0.7, 0.9], [1, 0, 1])
    for kpis in [
      try KPIs(
        scores: scores, outcomes: outcomes, threshold: 0.5, standingFor: DecisionCounts(zeros: 10, ones: 3)),
      KPIs(
        ConfusionMatrix(truePositive: 2, falsePositive: 1, trueNegative: 0, falseNegative: 0), threshold: 0.5,
        standingFor: DecisionCounts(zeros: 1, ones: 9)),
    ] {
      #expect(kpis[.precision] == 2.0 / 3)
      #expect(kpis.intervals.keys.elementsEqual([.precision]))
      for metric in Metric.allCases where !metric.isExact && metric != .precision {
        #expect(kpis[metric] == nil, "\(metric)")
      }
      #expect(kpis[.validationRows] == 3 && kpis[.positives] == 2)
    }
    let zeros = KPIs(
      ConfusionMatrix(truePositive: 0, falsePositive: 0, trueNegative: 5, falseNegative: 1), threshold: 0.5,
      standingFor: DecisionCounts(zeros: 6, ones: 1))
    #expect(Metric.allCases.allSatisfy { $0.isExact || zeros[$0] == nil })
  }

  @Test func `the weights are those of the decisions`() throws {
    // One of two decisions 1 and two of eight decisions 0 are labelled.
    let matrix = ConfusionMatrix(truePositive: 1, falsePositive: 1, trueNegative: 1, falseNegative: 1)
    let kpis = KPIs(matrix, threshold: 0.5, standingFor: DecisionCounts(zeros: 8, ones: 4))
    // TP = FP = 2, TN = FN = 4.
    let weighted = KPIs(
      ConfusionMatrix(truePositive: 2, falsePositive: 2, trueNegative: 4, falseNegative: 4), threshold: 0.5)
    for metric in Metric.allCases where !metric.isExact && !metric.needsRows {
      let (value, expected) = (try #require(kpis[metric]), try #require(weighted[metric]))
      #expect(abs(value - expected) < 1e-12, "\(metric)")
      #expect(kpis.intervals[metric].map { $0.low <= value && value <= $0.high } ?? true)
    }
    #expect(kpis.confusionMatrix == matrix)
    let scores = [0.9, 0.6, 0.3, 0.2]
    let sample = try KPIs(
      scores: scores, outcomes: [1, 0, 1, 0], threshold: 0.5, standingFor: DecisionCounts(zeros: 8, ones: 4))
    let repeated = try KPIs(
      scores: [0.9, 0.9, 0.6, 0.6] + Array(repeating: 0.3, count: 4) + Array(repeating: 0.2, count: 4),
      outcomes: [1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0], threshold: 0.5)
    for metric in [Metric.rocAUC, .prAUC, .logLoss, .brierScore] {
      let (value, expected) = (try #require(sample[metric]), try #require(repeated[metric]))
      #expect(abs(value - expected) < 1e-12, "\(metric)")
    }
  }

  @Test func `known outcomes of all predictions need no weights`() throws {
    let (scores, outcomes): ([Double], [UInt8]) = ([0.6, 0.7, 0.9, 0.2, 0.1], [1, 0, 1, 0, 1])
    let kpis = try KPIs(scores: scores, outcomes: outcomes, threshold: 0.5)
    // A total that is smaller than the labelled predictions is their number.
    for total in [DecisionCounts(zeros: 2, ones: 3), DecisionCounts()] {
      #expect(
        try KPIs(scores: scores, outcomes: outcomes, threshold: 0.5, standingFor: total) == kpis)
      #expect(
        KPIs(kpis.confusionMatrix, threshold: 0.5, standingFor: total)
          == KPIs(kpis.confusionMatrix, threshold: 0.5))
    }
  }

  /// Three right decisions of a thousand say little, however many of the others are known.
  @Test func `few labels of a decision give a wide interval`() throws {
    let kpis = KPIs(
      ConfusionMatrix(truePositive: 500, falsePositive: 0, trueNegative: 3, falseNegative: 0), threshold: 0.5,
      standingFor: DecisionCounts(zeros: 1_000, ones: 500))
    #expect(kpis[.recall] == 1)
    #expect(try #require(kpis.intervals[.recall]).low < 0.5)
    #expect(try #require(kpis.intervals[.accuracy]).low < 0.7)
  }

  @Test func `the influence on average precision is its derivative`() throws {
    // Two rows more of one kind among many change the area by the influence.
    let (scores, outcomes): ([Double], [UInt8]) = ([0.9, 0.8, 0.8, 0.6, 0.4, 0.3], [1, 0, 1, 1, 0, 1])
    let matrix = ConfusionMatrix(ScoreRanking(scores: scores, outcomes: outcomes), threshold: 0.5)
    let sample = DecisionSample(matrix, of: DecisionCounts(zeros: 20, ones: 8))
    let estimate = try #require(
      WeightedRanking(ScoreRanking(scores: scores, outcomes: outcomes), sample, threshold: 0.5)
        .averagePrecision)
    // By definition: weights 2 of each decision 1 and 10 of each decision 0, moved by a small part of each row.
    let weights = [2.0, 2, 2, 2, 10, 10]
    func area(_ weights: [Double]) -> Double {
      var sum = 0.0
      for (index, score) in scores.enumerated() where outcomes[index] == 1 {
        var (found, taken) = (0.0, 0.0)
        for (other, weight) in weights.enumerated() where scores[other] >= score {
          taken += weight
          if outcomes[other] == 1 { found += weight }
        }
        sum += weights[index] * found / taken
      }
      return sum / zip(weights, outcomes).reduce(0) { $0 + ($1.1 == 1 ? $1.0 : 0) }
    }
    #expect(abs(estimate.value - area(weights)) < 1e-12)
    let step = 1e-6
    let influences = weights.indices.map { index in
      var moved = weights
      moved[index] += step
      return (area(moved) - area(weights)) / step * 28
    }
    func part(_ rows: Range<Int>, _ share: Double) -> Double {
      let (values, count) = (influences[rows], Double(rows.count))
      let mean = values.reduce(0, +) / count
      let within = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
      return share * share * within / count + share * mean * mean / 28
    }
    let expected = part(0..<4, 8.0 / 28) + part(4..<6, 20.0 / 28)
    #expect(abs(try #require(estimate.variance) / expected - 1) < 1e-4)
  }
}
