import Testing

@testable import Learning

/// Tests of degenerate data: each gives a correct model or a clear error, never NaN and never an endless loop.
@Suite struct RobustnessTests {
  @Test(arguments: TrainingParameters.Penalty.allCases)
  func `separable data give a model`(_ penalty: TrainingParameters.Penalty) throws {
    let table = try TrainingTable.numbers([(0..<200).map(Double.init)], (0..<200).map { $0 < 100 ? 0 : 1 })
    let result = try train(table, parameters: TrainingParameters(penalty))
    #expect(result.model.isFinite)
    #expect(try #require(result.kpis[.rocAUC]) == 1)
    #expect(result.warnings.contains { $0.kind == .separated } == (penalty == .none))
    #expect(result.model.converged == (penalty != .none))
  }

  @Test func `exact duplicates share the weight or one is dropped`() throws {
    var data = Generated(seed: 1)
    let x = data.normals(500)
    let y = data.outcomes(x)
    let single = try train(try .numbers([x], y), parameters: TrainingParameters(.none)).model
    let double = try train(try .numbers([x, x], y), parameters: TrainingParameters(.none))
    #expect(double.model.features[1].coefficient?.status == .collinear)
    #expect(double.warnings.contains { $0.kind == .collinearFeature && $0.feature == "x1" })
    let one = try #require(single.features[0].coefficient?.value)
    #expect(abs(try #require(double.model.features[0].coefficient?.value) - one) < 1e-9)
    let shared = try train(try .numbers([x, x], y), parameters: TrainingParameters(.l2)).model
    let halves = shared.features.compactMap { $0.coefficient?.value }
    #expect(abs(halves[0] - halves[1]) < 1e-9)
  }

  @Test func `a warm start with a dropped feature gives the same model`() throws {
    var data = Generated(seed: 6)
    let x = data.normals(500)
    let y = data.outcomes(x)
    let table = try TrainingTable.numbers([x, x], y)
    let shared = try train(table, parameters: TrainingParameters(.l2)).model
    let cold = try train(table, parameters: TrainingParameters(.none)).model
    let warm = try train(table, parameters: TrainingParameters(.none), warmStart: shared).model
    #expect(distance(try warm.probabilities(table), try cold.probabilities(table)) < 1e-9)
  }

  @Test(arguments: TrainingParameters.Penalty.allCases)
  func `a distant warm start gives the same model`(_ penalty: TrainingParameters.Penalty) throws {
    var data = Generated(seed: 8)
    let table = try data.table(rows: 2_000)
    let cold = try fit(table, parameters: TrainingParameters(penalty))
    var far = cold
    far.intercept = 300
    for index in far.features.indices {
      far.features[index].coefficient?.value *= -40
      for level in (far.features[index].categories ?? []).indices {
        far.features[index].categories?[level].coefficient.value += 50 * Double(level)
      }
    }
    let warm = try fit(table, parameters: TrainingParameters(penalty), warmStart: far)
    #expect(warm.converged)
    #expect(warm.features.map { $0.coefficient?.status } == cold.features.map { $0.coefficient?.status })
    #expect(distance(try warm.probabilities(table), try cold.probabilities(table)) < 1e-9)
  }

  @Test(arguments: TrainingParameters.Penalty.allCases)
  func `constant and empty columns have no effect`(_ penalty: TrainingParameters.Penalty) throws {
    var data = Generated(seed: 2)
    let x = data.normals(300)
    let table = try TrainingTable(
      names: ["x", "constant", "empty", "nothing"],
      kinds: [.continuous, .continuous, .discrete, .categorical],
      columns: [
        .numeric(x), .numeric([Double](repeating: 7, count: 300)),
        .numeric([Double](repeating: .nan, count: 300)),
        .categorical(codes: [Int32](repeating: -1, count: 300), levels: []),
      ], outcomes: data.outcomes(x))
    let result = try train(table, parameters: TrainingParameters(penalty))
    let alone = try train(try .numbers([x], table.outcomes), parameters: TrainingParameters(penalty))
    #expect(result.model.isFinite && result.model.converged)
    #expect(result.model.features[1].coefficient?.status == .constant)
    #expect(result.warnings.contains { $0.kind == .constantFeature && $0.feature == "constant" })
    let together = try result.model.probabilities(table)
    #expect(distance(together, try alone.model.probabilities(try .numbers([x], table.outcomes))) < 1e-7)
  }

  @Test(arguments: TrainingParameters.Penalty.allCases)
  func `with all values missing the model is the share of positives`(_ penalty: TrainingParameters.Penalty)
    throws
  {
    let nothing = [Double](repeating: .nan, count: 80)
    let table = try TrainingTable(
      names: ["a", "b", "c"], kinds: [.continuous, .discrete, .categorical],
      columns: [
        .numeric(nothing), .numeric(nothing),
        .categorical(codes: [Int32](repeating: -1, count: 80), levels: ["never"]),
      ], outcomes: (0..<80).map { $0 % 4 == 0 ? 1 : 0 })
    let result = try train(table, parameters: TrainingParameters(penalty))
    #expect(result.model.isFinite && result.model.converged)
    #expect(distance(try result.model.probabilities(table), [Double](repeating: 0.25, count: 80)) < 1e-9)
    #expect(result.kpis[.rocAUC] == 0.5)
  }

  @Test(arguments: TrainingParameters.Penalty.allCases)
  func `a unique category for every row`(_ penalty: TrainingParameters.Penalty) throws {
    var data = Generated(seed: 7)
    let table = try TrainingTable(
      names: ["id"], kinds: [.categorical],
      columns: [
        .categorical(codes: (0..<50_000).map { Int32($0) }, levels: (0..<50_000).map { "row \($0)" })
      ],
      outcomes: data.outcomes([Double](repeating: -1, count: 50_000)))
    let result = try train(table, parameters: TrainingParameters(penalty))
    #expect(result.model.isFinite)
    #expect(result.model.converged == (penalty != .none))
    // Categories that no other row shares carry no information about held-out rows.
    #expect(result.kpis[.rocAUC] == 0.5)
  }

  @Test func `one class and tiny data are clear errors`() throws {
    let x = [1.0, 2, 3]
    #expect(throws: LearningError.oneClass(outcome: 1, rows: 3)) {
      try train(try .numbers([x], [1, 1, 1]), parameters: TrainingParameters())
    }
    #expect(throws: LearningError.tooFewRows(rows: 3, positives: 1, negatives: 2)) {
      try train(try .numbers([x], [1, 0, 0]), parameters: TrainingParameters())
    }
    #expect(throws: LearningError.tooFewRows(rows: 0, positives: 0, negatives: 0)) {
      try train(try .numbers([[]], []), parameters: TrainingParameters())
    }
    let four = try train(try .numbers([[1, 2, 3, 4]], [0, 0, 1, 1]), parameters: TrainingParameters())
    #expect(four.kpis[.validationRows] == 4)
    #expect(four.warnings.contains { $0.kind == .validationChanged })
  }

  @Test func `without features the model is the share of positives`() throws {
    let result = try train(try .numbers([], [0, 0, 0, 1] + [0, 0, 0, 1]), parameters: TrainingParameters())
    #expect(abs(result.model.intercept.sigmoid - 0.25) < 1e-12)
  }

  @Test(arguments: TrainingParameters.Penalty.allCases)
  func `huge offsets and scales lose no precision`(_ penalty: TrainingParameters.Penalty) throws {
    var data = Generated(seed: 3)
    let x = data.normals(400).map { ($0 * 4096).rounded() / 4096 }
    let y = data.outcomes(x)
    let plain = try train(try .numbers([x], y), parameters: TrainingParameters(penalty))
    // Timestamps in milliseconds that differ by minutes, and numbers near the ends of the allowed range.
    for shifted in [x.map { 1_700_000_000_000 + 4096 * $0 }, x.map { $0 * 0x1p480 }, x.map { $0 * 0x1p-480 }]
    {
      let other = try train(try .numbers([shifted], y), parameters: TrainingParameters(penalty))
      #expect(other.model.isFinite)
      let same = try other.model.probabilities(try .numbers([shifted], y))
      #expect(distance(same, try plain.model.probabilities(try .numbers([x], y))) < 1e-9)
    }
  }

  @Test(arguments: [TrainingParameters.Penalty.l2, .l1, .none])
  func `more columns than rows`(_ penalty: TrainingParameters.Penalty) throws {
    var data = Generated(seed: 4)
    let columns = (0..<2_000).map { _ in data.normals(120) }
    let y = data.outcomes(columns[0].map { 3 * $0 })
    let result = try train(try .numbers(columns, y), parameters: TrainingParameters(penalty, c: 0.1))
    #expect(result.model.isFinite)
    #expect(result.model.converged == (penalty != .none))
    if penalty == .l1 {
      #expect(result.model.features.count { $0.coefficient?.value != 0 } < 120)
    }
  }

  @Test(arguments: [TrainingParameters.Penalty.l2, .l1])
  func `fifty thousand categories`(_ penalty: TrainingParameters.Penalty) throws {
    var data = Generated(seed: 5)
    let codes = (0..<60_000).map { Int32($0 % 50_000) }
    let x = data.normals(60_000)
    let logits = (0..<60_000).map { x[$0] + (codes[$0] < 25_000 ? 1 : -1) }
    let table = try TrainingTable(
      names: ["x", "shop"], kinds: [.continuous, .categorical],
      columns: [.numeric(x), .categorical(codes: codes, levels: (0..<50_000).map { "shop \($0)" })],
      outcomes: data.outcomes(logits))
    let result = try train(table, parameters: TrainingParameters(penalty))
    #expect(result.model.isFinite && result.model.converged)
    #expect(result.model.features[1].categories?.count == 50_000)
    #expect(try #require(result.kpis[.rocAUC]) > 0.6)
  }

  @Test func `infinities and values out of range are refused`() throws {
    #expect(throws: LearningError.notFinite(feature: "x0")) { try TrainingTable.numbers([[.infinity]], [0]) }
    #expect(throws: LearningError.notFinite(feature: "x0")) { try TrainingTable.numbers([[-1e200]], [0]) }
    #expect(throws: LearningError.self) { try TrainingTable.numbers([[1]], [2]) }
    #expect(throws: LearningError.self) { try TrainingTable.numbers([[1, 2]], [1]) }
    #expect(throws: LearningError.self) {
      try TrainingTable(
        names: ["c"], kinds: [.categorical], columns: [.categorical(codes: [1], levels: ["a"])], outcomes: [1]
      )
    }
  }
}
