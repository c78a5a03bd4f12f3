import Synchronization
import Testing

@testable import Learning

/// Tests of the comparison of two sets of parameters on the same rows.
@Suite struct ParameterComparisonTests {
  /// Rows whose outcome follows one number with noise, with groups that repeat.
  private static func table(_ count: Int = 600, groups: Bool = false) throws -> TrainingTable {
    var generator = SplitMix64(seed: 3)
    let x = (0..<count).map { _ in Double.random(in: -2...2, using: &generator) }
    let noise = (0..<count).map { _ in Double.random(in: -2...2, using: &generator) }
    return try TrainingTable(
      names: ["x", "noise"], kinds: [.continuous, .continuous], columns: [.numeric(x), .numeric(noise)],
      outcomes: x.map { Double.random(in: 0..<1, using: &generator) < (2 * $0).sigmoid ? 1 : 0 },
      attributes: RowAttributes(groups: groups ? (0..<count).map { Int32($0 / 4) } : nil))
  }

  private static func parameters(_ change: (inout TrainingParameters) -> Void = { _ in })
    -> TrainingParameters
  {
    var parameters = TrainingParameters()
    change(&parameters)
    return parameters
  }

  @Test(arguments: [.holdout(fraction: 0.3), .kfold(folds: 4)] as [ValidationMethod])
  func `the challenger has the KPIs of its training`(method: ValidationMethod) throws {
    let table = try Self.table()
    for threshold in [ThresholdRule.fixed(0.4), .maximize(.f1)] {
      let challenger = Self.parameters {
        ($0.c, $0.threshold, $0.validation, $0.seed) = (0.1, threshold, method, 9)
      }
      let champion = Self.parameters { $0.c = 1e-4 }
      let kpis = try train(table, parameters: challenger).kpis
      let comparison = try ModelFamilies.standard.compare(table, champion: champion, challenger: challenger)
      for (metric, difference) in comparison.differences {
        let wanted = try #require(kpis[metric])
        #expect(abs(try #require(difference.challenger) - wanted) < 1e-9, "\(metric)")
      }
      let same = try train(
        table,
        parameters: Self.parameters { ($0.c, $0.validation, $0.seed) = (1e-4, method, 9) }
      ).kpis
      #expect(comparison[.logLoss]?.champion.map { abs($0 - (same[.logLoss] ?? .nan)) < 1e-9 } == true)
      let loss = try #require(comparison[.logLoss])
      #expect(try #require(loss.interval).high < 0, "a model without coefficients is worse")
      #expect(loss.isNotWorse(by: 0, isLowerBetter: true))
    }
  }

  @Test func `balanced decisions are those of each fold's own threshold`() throws {
    let table = try Self.table()
    let balanced = Self.parameters { ($0.classWeight, $0.validation) = (.balanced, .kfold(folds: 5)) }
    let kpis = try train(table, parameters: balanced).kpis
    let comparison = try ModelFamilies.standard.compare(
      table, champion: TrainingParameters(), challenger: balanced)
    #expect(comparison[.accuracy]?.challenger == kpis[.accuracy])
    #expect(comparison[.f1]?.challenger == kpis[.f1])
  }

  @Test func `parameters that fit alike are fitted once and do not differ`() throws {
    let other = Self.parameters { ($0.seed, $0.validation) = (5, .kfold(folds: 3)) }
    #expect(other.fitsLike(TrainingParameters()))
    #expect(!Self.parameters { $0.threshold = .fixed(0.3) }.fitsLike(TrainingParameters()))
    let comparison = try ModelFamilies.standard.compare(
      try Self.table(200), champion: TrainingParameters(), challenger: other)
    #expect(comparison.rows == 200)
    #expect(comparison[.rocAUC]?.interval == Interval(low: 0, high: 0))
  }

  @Test func `the result does not depend on threads or starts, and groups widen intervals`() throws {
    let table = try Self.table(1_200, groups: true)
    let (champion, challenger) = (Self.parameters { $0.c = 1e-3 }, Self.parameters())
    let first = try ModelFamilies.standard.compare(
      table, champion: champion, challenger: challenger, threads: 1)
    #expect(
      try ModelFamilies.standard.compare(table, champion: champion, challenger: challenger, threads: 3)
        == first)
    let warm = try train(table, parameters: challenger).model
    let second = try ModelFamilies.standard.compare(
      table, champion: champion, challenger: challenger, warmStarts: (warm, warm))
    for (metric, difference) in first.differences {
      #expect(abs((second[metric]?.difference ?? .nan) - (difference.difference ?? 0)) < 1e-6, "\(metric)")
    }
  }

  @Test func `progress rises to 1 and cancellation ends the work`() throws {
    let table = try Self.table()
    let seen = Mutex<[Double]>([])
    _ = try ModelFamilies.standard.compare(
      table, champion: Self.parameters { $0.c = 3 }, challenger: TrainingParameters(),
      progress: { progress in
        #expect(progress.phase == "comparing")
        seen.withLock { $0.append(progress.fraction) }
      })
    let fractions = seen.withLock { $0 }
    #expect(fractions == fractions.sorted() && fractions.last == 1 && fractions.count > 4)
    #expect(throws: CancellationError.self) {
      try ModelFamilies.standard.compare(
        table, champion: Self.parameters { $0.c = 3 }, challenger: TrainingParameters(), isCancelled: { true }
      )
    }
  }

  @Test func `labels of one outcome cannot be compared on`() throws {
    let table = try TrainingTable(
      names: ["x"], kinds: [.continuous], columns: [.numeric([1, 2, 3])], outcomes: [1, 1, 1])
    #expect(throws: LearningError.oneClass(outcome: 1, rows: 3)) {
      try ModelFamilies.standard.compare(
        table, champion: TrainingParameters(), challenger: Self.parameters { $0.c = 2 })
    }
  }
}
