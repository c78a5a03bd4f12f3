import Foundation
import Testing

@testable import Learning

/// Tests of `class_weight: balanced`: the weights choose the slopes and the decisions, and the probabilities stay those of the
/// rows.
@Suite struct BalancedTests {
  /// Rows of which about one in a hundred has the outcome 1.
  private func rare(_ rows: Int, seed: UInt64) throws -> TrainingTable {
    var data = Generated(seed: seed)
    let (a, b) = (data.normals(rows), data.normals(rows))
    let codes = (0..<rows).map { _ in Int32(data.generator.below(3)) }
    let logits = (0..<rows).map { -5.6 + a[$0] - 0.5 * b[$0] + [0, 1, -1][Int(codes[$0])] }
    return try TrainingTable(
      names: ["a", "b", "colour"], kinds: [.continuous, .continuous, .categorical],
      columns: [.numeric(a), .numeric(b), .categorical(codes: codes, levels: ["red", "green", "blue"])],
      outcomes: data.outcomes(logits))
  }

  private func balanced(
    _ threshold: ThresholdRule = .fixed(0.5), _ validation: ValidationMethod = .holdout(fraction: 0.2)
  ) -> TrainingParameters {
    var parameters = TrainingParameters()
    parameters.classWeight = .balanced
    parameters.threshold = threshold
    parameters.validation = validation
    return parameters
  }

  private func rate(_ outcomes: [UInt8]) -> Double {
    Double(outcomes.count { $0 == 1 }) / Double(outcomes.count)
  }

  /// The mean log loss of always predicting the share of outcome 1.
  private func constantLoss(_ outcomes: [UInt8]) -> Double {
    let rate = rate(outcomes)
    return -(rate * rate.logarithm + (1 - rate) * (1 - rate).logarithm)
  }

  /// The model as the weighted fit gives it, which decides at 0.5.
  private func weighted(_ model: LogisticModel) throws -> LogisticModel {
    var weighted = model
    let shift = try #require(model.interceptShift)
    weighted.intercept -= shift
    weighted.standardizedIntercept -= shift
    weighted.threshold = 0.5
    return weighted
  }

  private func decisions(_ model: LogisticModel, _ table: TrainingTable) throws -> [Int] {
    let predictor = model.predictor()
    return try (0..<table.rowCount).map { Int(try predictor.predict(table.row($0)).label) }
  }

  @Test(arguments: TrainingParameters.Penalty.allCases)
  func `probabilities have the frequency of the rows`(_ penalty: TrainingParameters.Penalty) throws {
    let (table, fresh) = (try rare(20_000, seed: 81), try rare(20_000, seed: 82))
    var parameters = balanced()
    parameters.penalty = penalty
    if penalty.hasL1Ratio { parameters.l1Ratio = 0.5 }
    let result = try train(table, parameters: parameters)
    let known = try result.model.probabilities(table)
    #expect(abs(known.reduce(0, +) / 20_000 - rate(table.outcomes)) < 1e-11)
    // Four standard errors of the difference of two samples.
    let probabilities = try result.model.probabilities(fresh)
    let error = 4 * (2 * rate(fresh.outcomes) / 20_000).squareRoot()
    #expect(abs(probabilities.reduce(0, +) / 20_000 - rate(fresh.outcomes)) < error)
    let kpis = try KPIs(scores: probabilities, outcomes: fresh.outcomes, threshold: result.model.threshold)
    #expect(try #require(kpis[.logLoss]) < 0.9 * constantLoss(fresh.outcomes))
    // The measured quality is that of fresh rows.
    let (low, high) = (
      try #require(result.kpis.intervals[.logLoss]).low, try #require(result.kpis.intervals[.logLoss]).high
    )
    let width = high - low
    #expect(try #require(kpis[.logLoss]) > low - width && (try #require(kpis[.logLoss])) < high + width)
  }

  @Test func `decisions are those of the weighted fit at one half`() throws {
    let table = try rare(20_000, seed: 83)
    let model = try fit(table, parameters: balanced())
    let shift = try #require(model.interceptShift)
    #expect(shift < -3 && abs(model.threshold - shift.sigmoid) < 1e-12)
    let found = try decisions(model, table)
    #expect(try decisions(try weighted(model), table) == found)
    // Balancing decides 1 far more often than in one row of a hundred.
    #expect(found.reduce(0, +) > 20 * table.outcomes.count { $0 == 1 })
    // All else is the weighted fit's; the standard error of an intercept of other weights is unknown.
    #expect(model.interceptStandardError == nil)
    #expect(model.features[0].coefficient?.standardError != nil)
  }

  @Test func `without weights nothing changes`() throws {
    let table = try rare(5_000, seed: 84)
    let model = try fit(table, parameters: TrainingParameters())
    #expect(model.interceptShift == nil && model.threshold == 0.5 && model.interceptStandardError != nil)
    let probabilities = try model.probabilities(table)
    #expect(abs(probabilities.reduce(0, +) / 5_000 - rate(table.outcomes)) < 1e-9)
  }

  @Test(arguments: [ValidationMethod.holdout(fraction: 0.25), .kfold(folds: 4)])
  func `folds are measured as the model is served`(_ method: ValidationMethod) throws {
    let table = try rare(8_000, seed: 85)
    let result = try train(table, parameters: balanced(.fixed(0.5), method))
    let plan = try ValidationPlan(outcomes: table.outcomes, method: method, seed: 0)
    func rows(_ wanted: (Int) -> Bool) throws -> TrainingTable {
      try table.rows { wanted(Int(plan.folds.folds[$0])) }
    }
    var (scores, outcomes): ([Double], [UInt8]) = ([], [])
    var matrix = ConfusionMatrix(truePositive: 0, falsePositive: 0, trueNegative: 0, falseNegative: 0)
    for fold in plan.measured {
      let held = try rows { $0 == fold }
      let model = try fit(try rows { $0 != fold }, parameters: balanced())
      scores += try model.probabilities(held)
      outcomes += held.outcomes
      for (decision, outcome) in zip(try decisions(try weighted(model), held), held.outcomes) {
        switch (decision, outcome) {
        case (1, 1): matrix.truePositive += 1
        case (1, _): matrix.falsePositive += 1
        case (_, 1): matrix.falseNegative += 1
        default: matrix.trueNegative += 1
        }
      }
    }
    let expected = try KPIs(scores: scores, outcomes: outcomes, threshold: result.model.threshold)
    #expect(result.kpis.confusionMatrix == matrix)
    for metric in [Metric.logLoss, .brierScore, .rocAUC, .prAUC] {
      #expect(abs(try #require(result.kpis[metric]) - (try #require(expected[metric]))) < 1e-9, "\(metric)")
    }
    #expect(try #require(result.kpis[.logLoss]) < constantLoss(outcomes))
    #expect(result.kpis[.recall] == matrix.recall && result.kpis[.f1] == matrix.f1)
    #expect(result.kpis.threshold == result.model.threshold)
    // The calibration curve follows the diagonal: few of twenty intervals miss it.
    let missed = result.curves.calibration.count {
      !($0.interval.low...$0.interval.high).contains($0.meanProbability)
    }
    #expect(missed <= 4)
  }

  @Test func `a threshold of the owner is a probability`() throws {
    let table = try rare(5_000, seed: 86)
    let result = try train(table, parameters: balanced(.fixed(0.3)))
    #expect(result.model.threshold == 0.3 && result.kpis.threshold == 0.3)
    #expect(try fit(table, parameters: balanced(.fixed(0.3))).threshold == 0.3)
    var given = balanced()
    given.isThresholdGiven = true
    let half = try train(table, parameters: given)
    #expect(half.model.threshold == 0.5 && half.kpis.threshold == 0.5)
    let moved = try train(table, parameters: balanced())
    #expect(moved.model.threshold < 0.05 && moved.kpis.threshold == moved.model.threshold)
    // Where no row reaches one half, no decision is 1.
    #expect(half.kpis.confusionMatrix.truePositive < moved.kpis.confusionMatrix.truePositive)
  }

  @Test func `a threshold by cost is near the ratio of the costs`() throws {
    let table = try rare(40_000, seed: 87)
    let cost = ThresholdRule.cost(falsePositive: 1, falseNegative: 49)
    let result = try train(table, parameters: balanced(cost, .kfold(folds: 5)))
    // Decisions cost least from the probability a / (a + b) = 0.02 on.
    #expect(result.model.threshold > 0.01 && result.model.threshold < 0.04)
    #expect(result.kpis.threshold == result.model.threshold)
    // A rule that was not applied is the default, and the default moves.
    #expect(try fit(table, parameters: balanced(cost)).threshold < 0.05)
  }

  @Test func `a rule finds the decisions that it found on the weighted scale`() throws {
    let table = try rare(8_000, seed: 88)
    let result = try train(table, parameters: balanced(.maximize(.balancedAccuracy)))
    let moved = try train(table, parameters: balanced())
    #expect(
      try #require(result.kpis[.balancedAccuracy]) >= (try #require(moved.kpis[.balancedAccuracy])) - 1e-12)
    #expect(result.model.threshold < 0.05)
  }

  @Test func `a warm start leads to the same model`() throws {
    let table = try rare(4_000, seed: 89)
    let cold = try fit(table, parameters: balanced())
    let warm = try fit(table, parameters: balanced(), warmStart: cold)
    #expect(warm.iterations < cold.iterations)
    #expect(abs(warm.intercept - cold.intercept) < 1e-6)
    let plain = try fit(table, parameters: TrainingParameters(), warmStart: cold)
    #expect(plain.converged && plain.interceptShift == nil)
  }

  @Test func `a model without features decides as before`() throws {
    // Every row is on the boundary of the weighted fit.
    let outcomes = (0..<3_000).map { UInt8($0 % 100 == 7 ? 1 : 0) }
    let table = try TrainingTable.numbers([[Double](repeating: 1, count: 3_000)], outcomes)
    let result = try train(table, parameters: balanced(.fixed(0.5), .kfold(folds: 3)))
    #expect(abs(try #require(try result.model.probabilities(table).first) - 0.01) < 1e-12)
    #expect(try decisions(result.model, table).allSatisfy { $0 == 1 })
    #expect(result.kpis.confusionMatrix.truePositive == 30 && result.kpis.confusionMatrix.trueNegative == 0)
  }

  @Test func `separated outcomes give a finite model`() throws {
    let values = (0..<500).map { Double($0) }
    let table = try TrainingTable.numbers([values], values.map { $0 >= 490 ? 1 : 0 })
    for penalty in TrainingParameters.Penalty.allCases {
      var parameters = balanced(.fixed(0.5), .kfold(folds: 2))
      parameters.penalty = penalty
      if penalty.hasL1Ratio { parameters.l1Ratio = 0.5 }
      let result = try train(table, parameters: parameters)
      #expect(result.model.isFinite && result.model.interceptShift?.isFinite == true, "\(penalty)")
      #expect(result.model.threshold > 0 && result.model.threshold < 1)
      #expect(try decisions(result.model, table) == (try decisions(try weighted(result.model), table)))
      let mean = try result.model.probabilities(table).reduce(0, +) / 500
      #expect(abs(mean - 0.02) < 1e-6, "\(penalty)")
    }
  }

  // MARK: The refit

  private func refit(
    _ margins: [Double], _ outcomes: [UInt8], _ weights: [Double], from start: Double = 0
  ) -> (shift: Double, evaluations: Int) {
    let sums = [0, 1].map { outcome in zip(weights, outcomes).reduce(0) { $1.1 == outcome ? $0 + $1.0 : $0 } }
    var evaluations = 0
    let shift = InterceptRefit(negatives: sums[0], positives: sums[1]).shift(from: start) { shift in
      evaluations += 1
      return zip(margins, weights).reduce(0) { $0 + $1.1 * ($1.0 + shift).sigmoid }
    }
    return (shift, evaluations)
  }

  @Test func `the refit uses weights as repeated rows`() throws {
    var data = Generated(seed: 90)
    let margins = data.normals(600).map { 3 * $0 }
    let outcomes = data.outcomes(margins.map { $0 - 4 })
    let weights = (0..<600).map { _ in Double(1 + data.generator.below(4)) }
    let found = refit(margins, outcomes, weights).shift
    let repeated = (0..<600).flatMap { [Int](repeating: $0, count: Int(weights[$0])) }
    let same = refit(
      repeated.map { margins[$0] }, repeated.map { outcomes[$0] }, repeated.map { _ in 1 }
    ).shift
    #expect(abs(found - same) < 1e-9)
    let expected = zip(margins, weights).reduce(0) { $0 + $1.1 * ($1.0 + found).sigmoid }
    let total = zip(weights, outcomes).reduce(0) { $0 + $1.0 * Double($1.1) }
    #expect(abs(expected - total) < 1e-8)
    #expect(abs(found + 4) < 1)
  }

  @Test(arguments: [-700.0, -40, -5, 0, 5, 40, 700, .infinity, .nan])
  func `the refit converges from any start`(_ start: Double) throws {
    var data = Generated(seed: 91)
    let margins = data.normals(400).map { 8 * $0 }
    let outcomes = (0..<400).map { UInt8($0 < 4 ? 1 : 0) }
    let ones = [Double](repeating: 1, count: 400)
    let (shift, evaluations) = refit(margins, outcomes, ones, from: start)
    #expect(abs(margins.reduce(0) { $0 + ($1 + shift).sigmoid } - 4) < 1e-9)
    #expect(evaluations <= 60)
    if start == -5 { #expect(evaluations <= 15) }
  }

  @Test func `the prior correction is a start from which few evaluations remain`() {
    var data = Generated(seed: 94)
    let margins = data.normals(5_000).map { 1.2 * $0 }
    let outcomes = data.outcomes(margins.map { $0 - 5 })
    let positives = outcomes.reduce(0.0) { $0 + Double($1) }
    let ones = [Double](repeating: 1, count: 5_000)
    let found = refit(margins, outcomes, ones, from: (positives / (5_000 - positives)).logarithm)
    #expect(found.evaluations <= 8 && abs(found.shift + 5) < 0.6)
  }

  @Test func `the refit stays finite without a maximum`() {
    let ones = [1.0, 1, 1, 1]
    // One outcome has no maximum, and separated outcomes have a flat one.
    #expect(refit([-1, 0, 1, 2], [0, 0, 0, 0], ones, from: -3).shift == 0)
    #expect(refit([-1, 0, 1, 2], [1, 1, 1, 1], ones, from: -3).shift == 0)
    #expect(refit([-1, 0, 1, 2], [0, 0, 1, 1], [1, 1, 0, 0]).shift == 0)
    #expect(refit([-900, -900, 900, 900], [0, 0, 1, 1], ones, from: -3).shift == -3)
    #expect(refit([.nan, 0, 1, 2], [0, 0, 1, 1], ones, from: -3).shift == 0)
    let apart = refit([-1e6, -1e6, -1e6, 1e6], [0, 0, 1, 1], ones, from: 2).shift
    #expect(apart.isFinite)
  }

  // MARK: Stored forms

  @Test func `parameters of other versions keep their decisions`() throws {
    func read(_ json: String) throws -> TrainingParameters {
      try JSONDecoder().decode(TrainingParameters.self, from: Data(json.utf8))
    }
    // Earlier versions stored the default as 0.5.
    #expect(try read(#"{"class_weight":"balanced","threshold":0.5}"#).movesThreshold)
    #expect(try read(#"{"class_weight":"balanced","threshold":null}"#).movesThreshold)
    #expect(try read(#"{"class_weight":"balanced"}"#).movesThreshold)
    #expect(try !read(#"{"class_weight":"balanced","threshold":0.25}"#).movesThreshold)
    #expect(try !read(#"{"threshold":0.5}"#).movesThreshold)
    var given = balanced()
    given.isThresholdGiven = true
    for parameters in [
      balanced(), given, balanced(.fixed(0.25)), balanced(.maximize(.f1)), TrainingParameters(),
    ] {
      let stored = try JSONEncoder().encode(parameters)
      #expect(try JSONDecoder().decode(TrainingParameters.self, from: stored) == parameters)
      let shown = String(decoding: try JSONEncoder().encode(parameters.shown), as: UTF8.self)
      #expect(!shown.contains("threshold_given"))
      #expect(shown.contains(#""threshold":null"#) == parameters.movesThreshold)
    }
  }

  @Test func `a stored model without a shift predicts as it did`() throws {
    let model = try fit(try rare(3_000, seed: 92), parameters: balanced())
    let json = try model.exportJSON()
    #expect(json.contains("\"intercept_shift\""))
    #expect(try LogisticModel(json: json) == model)
    let old = try weighted(model)
    var lines = try old.exportJSON().split(separator: "\n")
    lines.removeAll { $0.contains("\"intercept_shift\"") }
    let read = try LogisticModel(json: lines.joined(separator: "\n"))
    #expect(read.interceptShift == nil && read.threshold == 0.5 && read.intercept == old.intercept)
  }

  @Test func `every export has the refitted intercept and the moved threshold`() throws {
    let model = try fit(try rare(3_000, seed: 93), parameters: balanced())
    let (sql, pmml) = (try model.exportSQL(table: "t"), try model.exportPMML())
    #expect(sql.contains("'\(model.standardizedIntercept)'::double precision"))
    #expect(sql.contains("score.probability >= '\(model.threshold)'::double precision"))
    #expect(pmml.contains(#"<RegressionTable intercept="\#(model.standardizedIntercept)""#))
    #expect(pmml.contains(#"<Constant dataType="double">\#(model.threshold)</Constant>"#))
    let explained = try model.predictor().explain(FeatureValues([.number(0), .number(1), .missing]))
    #expect(explained.intercept == model.standardizedIntercept)
  }
}
