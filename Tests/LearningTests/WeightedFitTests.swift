import Testing

@testable import Learning

/// Tests of fits to rows with weights of their own.
@Suite struct WeightedFitTests {
  private struct Solutions: Decodable {
    struct Case: Decodable {
      var parameters: TrainingParameters
      var intercept: Double
      var standardized: [String: Double]
      /// Mean and scale of each number.
      var scales: [String: [Double]]
    }
    var weights: [Double]
    var cases: [Case]
  }

  @Test func `coefficients are those of scikit-learn's sample_weight`() throws {
    let reference = try Fixture.load("weighted_solutions", as: Solutions.self)
    let solutions: Fixture.Solutions = try Fixture.load("solutions")
    let table = try solutions.generated.table.weighted(reference.weights)
    #expect(reference.cases.count == 6)
    for example in reference.cases {
      let model = try fit(table, parameters: example.parameters)
      let name = "\(example.parameters.penalty) \(example.parameters.classWeight?.rawValue ?? "")"
      #expect(model.converged, "\(name)")
      for feature in model.features {
        guard let scale = example.scales[feature.name] else { continue }
        #expect(
          abs((feature.mean ?? 0) - scale[0]) < 1e-12 * max(1, abs(scale[0])), "\(name) \(feature.name)")
        #expect(abs((feature.scale ?? 0) / scale[1] - 1) < 1e-12, "\(name) \(feature.name)")
      }
      let shift = model.interceptShift ?? 0
      let mine = model.coefficients(intercept: model.standardizedIntercept - shift) { $0.standardized }
      // saga stops further from the optimum.
      let tolerance = example.parameters.penalty == .l2 || example.parameters.penalty == .none ? 1e-6 : 1e-5
      for (key, expected) in example.standardized.merging(
        ["intercept": example.intercept], uniquingKeysWith: { a, _ in a })
      {
        #expect(abs((mine[key] ?? .nan) - expected) < tolerance, "\(name) \(key)")
      }
      for (key, value) in mine where key != "intercept" && example.standardized[key] == nil {
        #expect(value == 0, "\(name) \(key)")
      }
    }
  }

  /// A table with missing values, weights of 1, 2 and 3, and the same rows repeated as often.
  private func twins(rows: Int, seed: UInt64) throws -> (weighted: TrainingTable, repeated: TrainingTable) {
    var data = Generated(seed: seed)
    let table = try data.table(rows: rows)
    guard case .numeric(let values) = table.columns[1] else { throw LearningError.malformedTable(detail: "") }
    let gaps = values.map { data.uniform() < 0.1 ? Double.nan : $0 }
    let times = (0..<rows).map { _ in 1 + data.generator.below(3) }
    let holed = try table.replacing(1, by: .numeric(gaps))
    let order = times.enumerated().flatMap { row, times in [Int](repeating: row, count: times) }
    return (try holed.weighted(times.map(Double.init)), try holed.repeating(order))
  }

  @Test(
    arguments: [TrainingParameters.Penalty.l2, .l1, .elasticnet, .none],
    [nil, TrainingParameters.ClassWeight.balanced])
  func `a weight of k is a row repeated k times`(
    _ penalty: TrainingParameters.Penalty, _ classWeight: TrainingParameters.ClassWeight?
  ) throws {
    let (weighted, repeated) = try twins(rows: 400, seed: 31)
    var parameters = TrainingParameters(penalty, c: penalty == .l1 ? 0.1 : 1)
    parameters.classWeight = classWeight
    let (a, b) = (try fit(weighted, parameters: parameters), try fit(repeated, parameters: parameters))
    #expect(a.converged && b.converged)
    #expect(distance(try a.probabilities(weighted), try b.probabilities(weighted)) < 1e-9)
    #expect(abs(a.trainingLoss - b.trainingLoss) < 1e-10)
    #expect(abs(a.threshold - b.threshold) < 1e-9)
    for (x, y) in zip(a.features, b.features) {
      #expect(abs((x.scale ?? 0) - (y.scale ?? 0)) < 1e-12 && abs((x.mean ?? 0) - (y.mean ?? 0)) < 1e-12)
      #expect(x.minimum == y.minimum && x.maximum == y.maximum)
    }
    // Counts are those of the rows that were given.
    #expect(a.positives + a.negatives == 400 && b.positives + b.negatives > 600)
  }

  @Test func `weights count where the second derivative is not written out`() throws {
    var data = Generated(seed: 32)
    let levels = (0..<1_100).map { "c\($0)" }
    let codes = (0..<3_000).map { _ in Int32(data.generator.below(1_100)) }
    let numbers = data.normals(3_000)
    let table = try TrainingTable(
      names: ["a", "c"], kinds: [.continuous, .categorical],
      columns: [.numeric(numbers), .categorical(codes: codes, levels: levels)],
      outcomes: data.outcomes(numbers.map { 0.8 * $0 - 0.3 }))
    let times = (0..<3_000).map { $0 % 3 + 1 }
    let repeated = try table.repeating(times.enumerated().flatMap { [Int](repeating: $0, count: $1) })
    let a = try fit(try table.weighted(times.map(Double.init)), parameters: TrainingParameters())
    let b = try fit(repeated, parameters: TrainingParameters())
    #expect(a.converged && b.converged)
    #expect(distance(try a.probabilities(table), try b.probabilities(table)) < 1e-6)
  }

  @Test func `the probabilities of a balanced fit have the weighted frequency`() throws {
    let (weighted, _) = try twins(rows: 500, seed: 33)
    var parameters = TrainingParameters()
    parameters.classWeight = .balanced
    let model = try fit(weighted, parameters: parameters)
    let weights = try #require(weighted.attributes.weights)
    let expected = zip(weights, weighted.outcomes).reduce(0) { $0 + $1.0 * Double($1.1) }
    let sum = zip(weights, try model.probabilities(weighted)).reduce(0) { $0 + $1.0 * $1.1 }
    #expect(abs(sum / expected - 1) < 1e-9)
  }

  @Test func `equal weights scale the penalty alone`() throws {
    var data = Generated(seed: 34)
    let table = try data.table(rows: 300)
    let double = try table.weighted([Double](repeating: 2, count: 300))
    let free = TrainingParameters(.none)
    let (a, b) = (try fit(table, parameters: free), try fit(double, parameters: free))
    for (x, y) in zip(a.features, b.features) {
      let (mine, other) = (
        x.coefficient ?? x.categories?.last?.coefficient, y.coefficient ?? y.categories?.last?.coefficient
      )
      #expect(abs((mine?.value ?? 0) - (other?.value ?? 1)) < 1e-9)
      // Rows of weight 2 say as much as as many rows of weight 1.
      #expect(abs((mine?.standardError ?? 0) - (other?.standardError ?? 0)) < 1e-9)
    }
    #expect(abs((a.interceptStandardError ?? 0) - (b.interceptStandardError ?? 1)) < 1e-9)
    let (half, one) = (
      try fit(double, parameters: TrainingParameters(.l2, c: 0.05)),
      try fit(table, parameters: TrainingParameters(.l2, c: 0.1))
    )
    #expect(distance(try half.probabilities(table), try one.probabilities(table)) < 1e-9)
  }

  @Test func `standard errors are those of the effective number of rows`() throws {
    // Half of the rows weigh next to nothing: the standard errors are those of the other half.
    var data = Generated(seed: 35)
    let table = try data.table(rows: 2_000)
    let weights = (0..<2_000).map { $0 % 2 == 0 ? 1.0 : 1e-9 }
    let a = try fit(try table.weighted(weights), parameters: TrainingParameters(.none))
    let b = try fit(try table.rows { $0 % 2 == 0 }, parameters: TrainingParameters(.none))
    for (x, y) in zip(a.features, b.features) {
      let (mine, other) = (x.coefficient?.standardError ?? 0, y.coefficient?.standardError ?? 0)
      #expect(abs(mine - other) < 1e-6)
    }
  }

  @Test func `weighted fits are the same for any number of threads and any start`() throws {
    var data = Generated(seed: 36)
    let table = try data.table(rows: 20_000)
    let weighted = try table.weighted((0..<20_000).map { _ in 0.1 + data.uniform() })
    let one = try fit(weighted, parameters: TrainingParameters(), threads: 1)
    let four = try fit(weighted, parameters: TrainingParameters(), threads: 4)
    #expect(one == four)
    let warm = try fit(weighted, parameters: TrainingParameters(), warmStart: one)
    #expect(
      distance(
        try warm.probabilities(try table.rows { $0 < 50 }), try one.probabilities(try table.rows { $0 < 50 }))
        < 1e-8)
  }

  @Test(arguments: [nil, TrainingParameters.ClassWeight.balanced])
  func `KPIs of a training know weights and groups of the measured rows`(
    _ classWeight: TrainingParameters.ClassWeight?
  ) throws {
    var data = Generated(seed: 37)
    let table = try data.table(rows: 600)
    let weights = (0..<600).map { _ in 0.2 + 2 * data.uniform() }
    let groups = (0..<600).map { Int32($0 / 4) }
    let rich = try table.with(RowAttributes(weights: weights, groups: groups))
    var parameters = TrainingParameters()
    parameters.classWeight = classWeight
    let plan = try ValidationPlan(
      outcomes: table.outcomes, method: parameters.validation, seed: parameters.seed)
    let held = table.outcomes.indices.filter { plan.folds.folds[$0] == 0 }
    let part = try table.with(RowAttributes(weights: weights)).keeping { plan.folds.folds[$0] == 1 }
    let alone = try fit(part, parameters: parameters)
    let scores = try alone.probabilities(try table.rows { plan.folds.folds[$0] == 0 })
    let expected = try KPIs(
      scores: scores, outcomes: held.map { table.outcomes[$0] }, threshold: alone.threshold,
      weights: held.map { weights[$0] }, clusters: held.map { groups[$0] })
    let found = try train(rich, parameters: parameters)
    #expect(found.kpis.confusionMatrix == expected.confusionMatrix)
    #expect(abs(try #require(found.kpis.effectiveRows) - (try #require(expected.effectiveRows))) < 1e-9)
    #expect(try #require(found.kpis.effectiveRows) < Double(held.count) - 5)
    for metric in Metric.allCases where expected.intervals[metric] != nil {
      let (a, b) = (try #require(found.kpis.intervals[metric]), try #require(expected.intervals[metric]))
      #expect(abs((found.kpis[metric] ?? 0) - (expected[metric] ?? 1)) < 1e-9, "\(metric)")
      #expect(abs(a.low - b.low) < 1e-9 && abs(a.high - b.high) < 1e-9, "\(metric)")
    }
    #expect(found.curves.calibration.reduce(0) { $0 + $1.rows } == held.count)
  }
}

extension TrainingTable {
  /// The same table with other attributes.
  fileprivate func with(_ attributes: RowAttributes) throws -> TrainingTable {
    try TrainingTable(
      names: names, kinds: kinds, columns: columns, outcomes: outcomes, attributes: attributes)
  }

  func weighted(_ weights: [Double]) throws -> TrainingTable {
    try with(RowAttributes(weights: weights))
  }

  /// The table of the rows whose index fulfils the condition, with their weights.
  fileprivate func keeping(_ isChosen: (Int) -> Bool) throws -> TrainingTable {
    let weights = attributes.weights.map { weights in outcomes.indices.filter(isChosen).map { weights[$0] } }
    return try rows(where: isChosen).with(RowAttributes(weights: weights))
  }

  /// The table of the rows with these indices, without attributes.
  fileprivate func repeating(_ order: [Int]) throws -> TrainingTable {
    try TrainingTable(
      names: names, kinds: kinds,
      columns: columns.map { column in
        switch column {
        case .numeric(let values): .numeric(order.map { values[$0] })
        case .categorical(let codes, let levels): .categorical(codes: order.map { codes[$0] }, levels: levels)
        }
      }, outcomes: order.map { outcomes[$0] })
  }
}
