import Testing

@testable import Learning

/// Tests of the intervals of KPIs at the ends of their ranges, where the estimated variance is 0.
@Suite struct PerfectMetricsTests {
  private func perfect(_ positives: Int, _ negatives: Int, clusters: [Int32]? = nil) throws -> KPIs {
    let outcomes = (0..<positives + negatives).map { UInt8($0 < positives ? 1 : 0) }
    return try KPIs(
      scores: outcomes.map { $0 == 1 ? 0.9 : 0.1 }, outcomes: outcomes, threshold: 0.5, clusters: clusters)
  }

  @Test func `a perfect area of one pair has no interval`() throws {
    let kpis = try perfect(1, 1)
    #expect(kpis[.rocAUC] == 1 && kpis[.prAUC] == 1)
    #expect(kpis.intervals[.rocAUC] == nil && kpis.intervals[.prAUC] == nil)
    #expect(kpis.intervals[.logLoss] == nil)
  }

  @Test(arguments: [2, 5, 50, 500]) func `a perfect model is as certain as its rows are many`(_ count: Int)
    throws
  {
    let kpis = try perfect(count, 3 * count)
    for metric in [Metric.rocAUC, .prAUC, .mcc, .f1, .balancedAccuracy, .accuracy] {
      let interval = try #require(kpis.intervals[metric], "\(metric)")
      #expect(interval.high == 1 && interval.low < 1 && interval.low >= metric.range.lowerBound, "\(metric)")
      #expect(count < 500 || interval.low > 0.97, "\(metric) \(interval.low)")
      #expect(count > 2 || interval.low < 0.75, "\(metric) \(interval.low)")
    }
    let area = try #require(kpis.intervals[.rocAUC])
    let pairs = (0..<count).reduce(1) { product, _ in product * area.low }
    #expect(abs(pairs - 0.025) < 1e-9)
  }

  @Test func `the worst model mirrors the perfect one`() throws {
    let outcomes: [UInt8] = [1, 1, 1, 0, 0, 0]
    let kpis = try KPIs(scores: outcomes.map { 0.9 - 0.8 * Double($0) }, outcomes: outcomes, threshold: 0.5)
    let best = try perfect(3, 3)
    for (metric, middle) in [(Metric.rocAUC, 0.5), (.mcc, 0), (.balancedAccuracy, 0.5)] {
      let (worst, best) = (try #require(kpis.intervals[metric]), try #require(best.intervals[metric]))
      #expect(abs(worst.high - middle + (best.low - middle)) < 1e-12, "\(metric)")
      #expect(worst.low == metric.range.lowerBound)
    }
  }

  @Test func `rows of few groups are worth as many`() throws {
    let many = try perfect(60, 60)
    let few = try perfect(60, 60, clusters: (0..<120).map { Int32($0 / 10) })
    for metric in [Metric.rocAUC, .prAUC, .mcc, .f1, .balancedAccuracy, .accuracy] {
      let (a, b) = (try #require(many.intervals[metric]), try #require(few.intervals[metric], "\(metric)"))
      #expect(b.low < a.low - 0.1, "\(metric)")
    }
  }
}
