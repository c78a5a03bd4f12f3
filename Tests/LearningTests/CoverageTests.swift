import Testing

@testable import Learning

/// Simulations of the coverage of the intervals: samples from a population whose KPIs are known.
@Suite struct CoverageTests {
  private static let metrics: [Metric] = [
    .accuracy, .rocAUC, .prAUC, .mcc, .logLoss, .brierScore, .f1, .balancedAccuracy,
  ]
  private static let samples = 700

  /// The rows of a population, or of a sample of it.
  private struct Rows {
    var scores: [Double] = []
    var outcomes: [UInt8] = []
    var weights: [Double] = []
    var clusters: [Int32] = []

    mutating func add(_ other: Rows, _ row: Int, cluster: Int) {
      scores.append(other.scores[row])
      outcomes.append(other.outcomes[row])
      weights.append(other.weights[row])
      clusters.append(Int32(cluster))
    }
  }

  /// Groups of `size` rows. The rows of a group share `shared` of the variance of their scores, and a deviation of their outcomes
  /// from the scores.
  private static func population(_ data: inout Generated, groups: Int, size: Int, shared: Double) -> Rows {
    var rows = Rows()
    for group in 0..<groups {
      let (common, effect) = (data.normal(), shared.squareRoot() * data.normal())
      for _ in 0..<size {
        let logit = 1.5 * (shared.squareRoot() * common + (1 - shared).squareRoot() * data.normal()) - 0.5
        rows.scores.append(logit.sigmoid)
        rows.outcomes += data.outcomes([1.2 * logit + effect])
        rows.weights.append([0.5, 1, 3][data.generator.below(3)])
        rows.clusters.append(Int32(group))
      }
    }
    return rows
  }

  /// The share of the samples whose interval contains the population's value, by metric.
  private static func coverage(
    seed: UInt64, groups: Int, size: Int, shared: Double, measure: (Rows) throws -> KPIs
  ) throws -> [Metric: Double] {
    var data = Generated(seed: seed)
    let count = 12_000 / size
    let all = population(&data, groups: count, size: size, shared: shared)
    let truth = try KPIs(scores: all.scores, outcomes: all.outcomes, threshold: 0.5)
    var hits: [Metric: Double] = [:]
    for _ in 0..<samples {
      var sample = Rows()
      for cluster in 0..<groups {
        let group = data.generator.below(count)
        for row in (group * size)..<(group * size + size) { sample.add(all, row, cluster: cluster) }
      }
      let kpis = try measure(sample)
      for metric in metrics {
        guard let value = truth[metric], let interval = kpis.intervals[metric] else { continue }
        hits[metric, default: 0] += interval.low <= value && value <= interval.high ? 1 : 0
      }
    }
    return hits.mapValues { $0 / Double(samples) }
  }

  private func expect(_ coverage: [Metric: Double]) {
    for metric in Self.metrics {
      #expect((0.93...0.97).contains(coverage[metric] ?? 0), "\(metric) \(coverage[metric] ?? 0)")
    }
  }

  @Test func `intervals of independent rows cover`() throws {
    expect(
      try Self.coverage(seed: 1, groups: 200, size: 1, shared: 0) {
        try KPIs(scores: $0.scores, outcomes: $0.outcomes, threshold: 0.5)
      })
  }

  @Test func `intervals of weighted rows cover`() throws {
    expect(
      try Self.coverage(seed: 2, groups: 250, size: 1, shared: 0) {
        try KPIs(scores: $0.scores, outcomes: $0.outcomes, threshold: 0.5, weights: $0.weights)
      })
  }

  @Test func `intervals of grouped rows cover, those without groups do not`() throws {
    expect(
      try Self.coverage(seed: 3, groups: 60, size: 5, shared: 0.6) {
        try KPIs(scores: $0.scores, outcomes: $0.outcomes, threshold: 0.5, clusters: $0.clusters)
      })
    let naive = try Self.coverage(seed: 3, groups: 60, size: 5, shared: 0.6) {
      try KPIs(scores: $0.scores, outcomes: $0.outcomes, threshold: 0.5)
    }
    for metric in [Metric.rocAUC, .logLoss, .brierScore, .accuracy] {
      #expect(naive[metric] ?? 1 < 0.92, "\(metric) \(naive[metric] ?? 1)")
    }
  }
}
