import Foundation
import Testing

@testable import Learning

/// Tests of the paired tests against values of NumPy and SciPy, and of their intervals in simulations.
@Suite struct PairedTestTests {
  private static let outcomes: [UInt8] = [1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 0]
  private static let first = [
    0.5, 0.1, 0.6, 0.7, 0.6, 0.4, 0.5, 0.2, 0.8, 0.7, 0.7, 0.4, 0.2, 0.7, 0.7, 0.0,
  ]
  private static let second = [
    0.71, 0.04, 0.6, 0.63, 0.13, 0.39, 0.71, 0.16, 0.81, 0.44, 0.4, 0.67, 0.08, 0.24, 0.47, 0.28,
  ]
  private static let weights = [1, 2, 0.5, 1, 3, 1, 1, 0.25, 2, 1, 1, 1.5, 1, 1, 1, 2]

  private static func rows(weights: [Double]? = nil, clusters: [Int32]? = nil) throws -> PairedRows {
    try PairedRows(
      outcomes: outcomes, champion: HeldOutPredictions(scores: first, threshold: 0.5),
      challenger: HeldOutPredictions(scores: second, threshold: 0.5), weights: weights, clusters: clusters)
  }

  @Test func `DeLong's variance is that of the covariance matrix of placements`() throws {
    let found = try PairedROC.difference(Self.rows()) {}
    #expect(found.champion == 0.765625)
    #expect(found.challenger == 0.984375)
    #expect(abs(try #require(found.pValue) - 0.07070114486598297) < 1e-12)
    let half = 1.959963984540054 * 0.0146484375.squareRoot()
    let interval = try #require(found.interval)
    #expect(abs(interval.low - (0.21875 - half)) < 1e-12 && abs(interval.high - (0.21875 + half)) < 1e-12)
  }

  @Test func `the area takes weights and clusters`() throws {
    let weighted = try PairedROC.difference(Self.rows(weights: Self.weights)) {}
    #expect(abs(try #require(weighted.champion) - 0.7728395061728395) < 1e-12)
    #expect(abs(try #require(weighted.challenger) - 0.9901234567901235) < 1e-12)
    let clusters: [Int32] = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, -1, -1, 5, 5, 6, 6]
    let clustered = try PairedROC.difference(Self.rows(clusters: clusters)) {}
    let width = try #require(clustered.interval).high - 0.21875
    #expect(abs(width - 1.959963984540054 * 0.004978179931640625.squareRoot()) < 1e-12)
  }

  @Test func `McNemar's test is exact for few discordant rows`() {
    #expect(abs(McNemar.pValue(better: 1, worse: 8) - 0.0390625) < 1e-15)
    #expect(McNemar.pValue(better: 3, worse: 3) == 1)
    // 62² / 180, without a correction for continuity.
    #expect(abs(McNemar.pValue(better: 121, worse: 59) - 3.8152e-6) < 1e-9)
  }

  /// The values on all rows are those of the KPIs, which their own tests compare with scikit-learn.
  @Test func `values are those of the KPIs`() throws {
    let comparison = try PairedComparison(Self.rows(), resamples: 200)
    let expected = [Self.first, Self.second].map { scores in
      try? KPIs(scores: scores, outcomes: Self.outcomes, threshold: 0.5)
    }
    let compared = Metric.allCases.filter(\.isCompared)
    #expect(Set(comparison.differences.keys) == Set(compared))
    for metric in compared {
      let found = try #require(comparison[metric])
      for (value, kpis) in zip([found.champion, found.challenger], expected) {
        let wanted = try #require(kpis?[metric])
        #expect(abs(try #require(value) - wanted) < 1e-12, "\(metric)")
      }
      #expect(found.interval != nil && found.pValue != nil, "\(metric)")
    }
    #expect(comparison.rows == 16 && comparison.positives == 8)
    #expect(
      try PairedComparison(Self.rows(), resamples: 200) == comparison, "the draws are the same each time")
    let read = try JSONDecoder().decode(PairedComparison.self, from: JSONEncoder().encode(comparison))
    #expect(read == comparison)
  }

  @Test func `a weight of two is a row twice`() throws {
    let twice = [0, 4, 9]
    let weights = Self.outcomes.indices.map { twice.contains($0) ? 2.0 : 1 }
    let order = Self.outcomes.indices.flatMap { twice.contains($0) ? [$0, $0] : [$0] }
    func predictions(_ scores: [Double]) -> HeldOutPredictions {
      HeldOutPredictions(scores: order.map { scores[$0] }, threshold: 0.5)
    }
    let repeated = try PairedRows(
      outcomes: order.map { Self.outcomes[$0] }, champion: predictions(Self.first),
      challenger: predictions(Self.second))
    let left = try PairedComparison(Self.rows(weights: weights), resamples: 10)
    let right = try PairedComparison(repeated, resamples: 10)
    for (metric, difference) in left.differences {
      // The counts of weighted rows are rounded to a millionth.
      #expect(
        abs(try #require(difference.challenger) - (right[metric]?.challenger ?? .nan)) < 1e-5, "\(metric)")
      #expect(abs(try #require(difference.champion) - (right[metric]?.champion ?? .nan)) < 1e-5, "\(metric)")
    }
  }

  @Test func `models that predict the same do not differ`() throws {
    let predictions = HeldOutPredictions(scores: Self.first, threshold: 0.5)
    let rows = try PairedRows(outcomes: Self.outcomes, champion: predictions, challenger: predictions)
    for difference in try PairedComparison(rows).differences.values {
      #expect(difference.difference == 0 && difference.pValue == 1)
      #expect(difference.interval == Interval(low: 0, high: 0))
    }
  }

  @Test func `two perfect models on few rows have no interval of the area`() throws {
    let rows = try PairedRows(
      outcomes: [1, 1, 0, 0], champion: HeldOutPredictions(scores: [0.9, 0.8, 0.2, 0.1], threshold: 0.5),
      challenger: HeldOutPredictions(scores: [0.7, 0.6, 0.2, 0.3], threshold: 0.5))
    let area = try #require(try PairedComparison(rows, resamples: 50)[.rocAUC])
    #expect(area.difference == 0 && area.interval == nil && area.pValue == nil)
    #expect(area.isNotWorse(by: 0, isLowerBetter: false), "a tie goes to the challenger")
  }

  /// A difference, its interval, whether less is better, and whether a margin of 0.02 covers it.
  @Test(
    arguments: [
      (0.0, (-0.01, 0.01), false, true), (0.0, (-0.05, 0.05), false, false), (0.1, (-0.01, 0.2), false, true),
      (-0.01, nil, false, true), (-0.03, nil, false, false), (0.0, (-0.05, 0.01), true, true),
      (0.0, (-0.01, 0.05), true, false), (0.03, nil, true, false), (0.01, nil, true, true),
    ] as [(Double, (Double, Double)?, Bool, Bool)])
  func `the careful end of the interval decides`(
    difference: Double, interval: (Double, Double)?, isLowerBetter: Bool, isNotWorse: Bool
  ) {
    var found = PairedDifference(0.5, 0.5 + difference, .bootstrap)
    found.interval = interval.map { Interval(low: $0.0, high: $0.1) }
    #expect(found.isNotWorse(by: 0.02, isLowerBetter: isLowerBetter) == isNotWorse)
  }

  @Test func `an undefined KPI is worse than any value`() {
    #expect(PairedDifference(nil, nil, .bootstrap).isNotWorse(by: 0, isLowerBetter: false))
    #expect(PairedDifference(nil, 0.1, .bootstrap).isNotWorse(by: 0, isLowerBetter: false))
    #expect(!PairedDifference(0.1, nil, .bootstrap).isNotWorse(by: 1, isLowerBetter: false))
  }

  @Test func `predictions that do not pair are refused`() {
    let some = HeldOutPredictions(scores: [0.5], threshold: 0.5)
    let none = HeldOutPredictions(scores: [], threshold: 0.5)
    let invalid = HeldOutPredictions(scores: [1.5], threshold: 0.5)
    for challenger in [none, invalid] {
      #expect(throws: LearningError.self) {
        try PairedRows(outcomes: [1], champion: some, challenger: challenger)
      }
    }
    #expect(throws: LearningError.self) {
      try PairedRows(outcomes: [1], champion: some, challenger: some, weights: [0])
    }
  }
}

/// Simulations: 95 % intervals cover the true difference in 93 to 97 % of the samples.
@Suite struct PairedCoverageTests {
  @Test func `intervals of the area cover`() throws {
    var generator = SplitMix64(seed: 11)
    // Binormal scores: the area is Φ(d / √2) for means that are d apart.
    let (d1, d2) = (1.0, 1.3)
    func area(_ d: Double) -> Double { 1 - erfc(d / 2) / 2 }
    let truth = area(d2) - area(d1)
    var covered = 0
    let samples = 1_000
    for _ in 0..<samples {
      var (outcomes, first, second): ([UInt8], [Double], [Double]) = ([], [], [])
      for row in 0..<120 {
        let outcome = row % 3 == 0 ? 1.0 : 0
        let shared = generator.normal() * 0.8
        outcomes.append(UInt8(outcome))
        first.append((d1 * outcome + shared + 0.6 * generator.normal()).sigmoid)
        second.append((d2 * outcome + shared + 0.6 * generator.normal()).sigmoid)
      }
      let rows = try PairedRows(
        outcomes: outcomes, champion: HeldOutPredictions(scores: first, threshold: 0.5),
        challenger: HeldOutPredictions(scores: second, threshold: 0.5))
      let interval = try #require(PairedROC.difference(rows) {}.interval)
      if interval.low <= truth, truth <= interval.high { covered += 1 }
    }
    #expect((0.93...0.97).contains(Double(covered) / Double(samples)), "\(covered)")
  }

  @Test(arguments: [(60, 0.06, 0.1), (200, 0.02, 0.05), (40, 0.2, 0.15)])
  func `intervals of the accuracy cover`(rows: Int, worse: Double, better: Double) {
    var generator = SplitMix64(seed: 12)
    var covered = 0
    let samples = 4_000
    for _ in 0..<samples {
      var (b, c) = (0, 0)
      for _ in 0..<rows {
        let u = Double.random(in: 0..<1, using: &generator)
        if u < better { b += 1 } else if u < better + worse { c += 1 }
      }
      let interval = McNemar.interval(better: b, worse: c, of: rows)
      if interval.low <= better - worse, better - worse <= interval.high { covered += 1 }
    }
    #expect((0.93...0.97).contains(Double(covered) / Double(samples)), "\(covered)")
  }

  @Test func `intervals of the bootstrap cover`() throws {
    var generator = SplitMix64(seed: 13)
    // Each model is right with one probability, and says so with a score of 0.7.
    let (q1, q2, share) = (0.75, 0.8, 0.4)
    let loss = { (q: Double) in -q * 0.7.logarithm - (1 - q) * 0.3.logarithm }
    let f1 = { (q: Double) in 2 * share * q / (2 * share * q + (1 - q)) }
    let truth: [Metric: Double] = [
      .logLoss: loss(q2) - loss(q1), .f1: f1(q2) - f1(q1),
    ]
    var covered: [Metric: Int] = [:]
    let samples = 300
    for _ in 0..<samples {
      let rows = try Self.sample(100, q1, q2, share, &generator)
      let comparison = try PairedComparison(rows, resamples: 200)
      for (metric, difference) in truth {
        let interval = try #require(comparison[metric]?.interval)
        if interval.low <= difference, difference <= interval.high { covered[metric, default: 0] += 1 }
      }
    }
    for (metric, count) in covered {
      #expect((0.93...0.97).contains(Double(count) / Double(samples)), "\(metric): \(count)")
    }
  }

  @Test func `rows of one cluster are no further evidence`() throws {
    var generator = SplitMix64(seed: 14)
    let single = try Self.sample(200, 0.7, 0.8, 0.4, &generator)
    let order = (0..<1_000).map { $0 % 200 }
    func repeated(_ predictions: HeldOutPredictions) -> HeldOutPredictions {
      HeldOutPredictions(
        scores: order.map { predictions.scores[$0] }, decisions: order.map { predictions.decisions[$0] })
    }
    let rows = try PairedRows(
      outcomes: order.map { single.outcomes[$0] }, champion: repeated(single.champion),
      challenger: repeated(single.challenger), clusters: order.map { Int32($0) })
    let left = try PairedComparison(single, resamples: 300)
    let right = try PairedComparison(rows, resamples: 300)
    for metric in Metric.allCases where metric.isCompared {
      let widths = try [left, right].map { comparison in
        let interval = try #require(comparison[metric]?.interval)
        return interval.high - interval.low
      }
      #expect(abs(widths[1] / widths[0] - 1) < 0.15, "\(metric): \(widths)")
    }
  }

  private static func sample(
    _ count: Int, _ q1: Double, _ q2: Double, _ share: Double, _ generator: inout SplitMix64
  ) throws -> PairedRows {
    var (outcomes, first, second): ([UInt8], [Double], [Double]) = ([], [], [])
    for _ in 0..<count {
      let outcome: UInt8 = Double.random(in: 0..<1, using: &generator) < share ? 1 : 0
      let u = Double.random(in: 0..<1, using: &generator)
      let isShared = Double.random(in: 0..<1, using: &generator) < 0.7
      let v = isShared ? u : Double.random(in: 0..<1, using: &generator)
      outcomes.append(outcome)
      first.append((u < q1) == (outcome == 1) ? 0.7 : 0.3)
      second.append((v < q2) == (outcome == 1) ? 0.7 : 0.3)
    }
    return try PairedRows(
      outcomes: outcomes, champion: HeldOutPredictions(scores: first, threshold: 0.5),
      challenger: HeldOutPredictions(scores: second, threshold: 0.5))
  }
}

extension SplitMix64 {
  /// A standard normal number (Box and Muller 1958).
  fileprivate mutating func normal() -> Double {
    let u = Double.random(in: Double.leastNonzeroMagnitude..<1, using: &self)
    let v = Double.random(in: 0..<1, using: &self)
    return (-2 * u.logarithm).squareRoot() * cos(2 * Double.pi * v)
  }
}
