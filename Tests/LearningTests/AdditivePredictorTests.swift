import Testing

@testable import Learning

/// Tests of the predictions of additive models, on models that are written by hand and on random ones.
@Suite struct AdditivePredictorTests {
  private static func cells(_ values: [Double]) -> [AdditiveCell] {
    values.map { AdditiveCell(value: $0, standardError: nil, rows: 10) }
  }

  /// A number in three bins, one that is never missing, and a category; a pair of the first and the last.
  static let byHand: AdditiveModel = {
    let x = AdditiveFeature(
      name: "x", kind: .continuous, missingRows: 10, minimum: 0, maximum: 30, edges: [10, 20],
      categories: nil,
      bins: cells([-1, 0.25, 2]), missing: cells([-4])[0], smoothness: nil, degreesOfFreedom: nil,
      importance: 1)
    let y = AdditiveFeature(
      name: "y", kind: .discrete, missingRows: 0, minimum: 1, maximum: 5, edges: [3], categories: nil,
      bins: cells([8, 16]), missing: nil, smoothness: nil, degreesOfFreedom: nil, importance: 1)
    let c = AdditiveFeature(
      name: "c", kind: .categorical, missingRows: 10, minimum: nil, maximum: nil, edges: nil,
      categories: ["a", "é"], bins: cells([32, 64]), missing: cells([128])[0], smoothness: nil,
      degreesOfFreedom: nil, importance: 1)
    let pair = AdditivePair(
      first: .init(feature: 0, edges: [20], groups: nil, missing: 2, count: 3),
      second: .init(feature: 2, edges: nil, groups: [1, 0], missing: nil, count: 2),
      cells: cells([0.5, 0.0625, 1000, 2000, 3000, 4000]), smoothness: nil, degreesOfFreedom: nil,
      importance: 1)
    var data = Generated(seed: 0)
    var model = data.additive([x, y, c], [pair], intercept: -100)
    model.positives = 15
    model.negatives = 15
    _ = data.uniform()
    return model
  }()

  /// The sum in order, exact for the values of the model.
  private func sum(_ values: Double...) -> Double { values.reduce(0, +) }

  private func logit(_ values: [FeatureValue]) throws -> (logit: Double, warnings: [PredictionWarning.Kind]) {
    let predictor = Self.byHand.predictor()
    var warnings: [PredictionWarning] = []
    let slots = try predictor.slots(FeatureValues(values), warnings: &warnings)
    return (predictor.logit(slots), warnings.map(\.kind))
  }

  @Test func `a value that equals an edge is in the bin above it`() throws {
    #expect(
      try logit([.number(10.0.nextDown), .number(1), .category("a")]).logit == sum(-100, -1, 8, 32, 0.0625))
    #expect(try logit([.number(10), .number(3), .category("a")]).logit == sum(-100, 0.25, 16, 32, 0.0625))
    #expect(try logit([.number(20), .number(1), .category("a")]).logit == sum(-100, 2, 8, 32, 2000))
    #expect(
      try logit([.number(20.0.nextDown), .number(1), .category("e\u{301}")]).logit
        == sum(-100, 0.25, 8, 64, 0.5))
  }

  @Test func `missing values have values of their own, or add nothing`() throws {
    let missing = try logit([.missing, .number(1), .category("é")])
    #expect(missing.logit == sum(-100, -4, 8, 64, 3000) && missing.warnings.isEmpty)
    // The pair has no index for a missing category, and y has no value for a missing number.
    let unseen = try logit([.number(0), .missing, .missing])
    #expect(unseen.logit == sum(-100, -1, 0, 128) && unseen.warnings == [.unseenMissing])
  }

  @Test func `an unseen category adds nothing, in pairs either`() throws {
    let unseen = try logit([.number(30), .number(1), .category("new")])
    #expect(unseen.logit == sum(-100, 2, 8) && unseen.warnings == [.unseenCategory])
  }

  @Test func `numbers outside the training range are in the outer bins`() throws {
    for (value, bin) in [(-1e150, -0.9375), (-0.001, -0.9375), (30.001, 2002), (1e150, 2002)]
      as [(Double, Double)]
    {
      let outside = try logit([.number(value), .number(1), .category("a")])
      #expect(outside.logit == sum(-100, 8, 32, bin) && outside.warnings == [.outsideRange])
    }
    for value in [0.0, 30] {
      #expect(try logit([.number(value), .number(5), .category("a")]).warnings.isEmpty)
    }
  }

  @Test func `rows that do not fit are refused`() {
    let predictor = Self.byHand.predictor()
    func refusal(_ values: [FeatureValue]) -> LearningError? {
      do throws(LearningError) { _ = try predictor.predict(FeatureValues(values)) } catch { return error }
      return nil
    }
    #expect(refusal([.number(1)]) == .wrongFeatureCount(expected: 3, found: 1))
    #expect(
      refusal([.category("a"), .number(1), .missing]) == .wrongValueType(feature: "x", expected: "number"))
    #expect(
      refusal([.missing, .number(1), .number(2)]) == .wrongValueType(feature: "c", expected: "category"))
    for value in [1e150.nextUp, -.infinity, .nan] {
      #expect(refusal([.number(value), .number(1), .missing]) == .notFinite(feature: "x"))
      #expect(throws: LearningError.self) {
        try predictor.explain(FeatureValues([.number(value), .missing, .missing]))
      }
    }
  }

  @Test func `the decision is made at the threshold of the model`() throws {
    var model = Self.byHand
    let row = FeatureValues([.number(10), .number(3), .category("a")])
    model.threshold = try model.probability(of: row).probability
    #expect(try model.probability(of: row).label == 1)
    model.threshold = model.threshold.nextUp
    #expect(try model.probability(of: row).label == 0)
  }

  @Test func `edges of a pair between those of the shape function are kept apart`() throws {
    var model = Self.byHand
    model.pairs[0].first.edges = [15]
    let predictor = model.predictor()
    var warnings: [PredictionWarning] = []
    for (value, cell) in [(15.0.nextDown, 0.0625), (15, 2000), (10, 0.0625)] as [(Double, Double)] {
      let slots = try predictor.slots(
        FeatureValues([.number(value), .number(1), .category("a")]), warnings: &warnings)
      #expect(predictor.logit(slots) == sum(-100, 0.25, 8, 32, cell))
    }
  }

  @Test(arguments: 1...4) func `all methods agree to the last bit`(seed: Int) throws {
    var data = Generated(seed: UInt64(seed))
    let model = data.hostileAdditive()
    let predictor = model.predictor()
    let rows = (0..<1_500).map { _ in data.row(of: model) }
    let single = try rows.map { try predictor.predict($0) }
    let batch = try predictor.predict(model.batch(rows), slots: model.batchSlots)
    #expect(batch.probabilities == single.map(\.probability))
    #expect(rows.indices.allSatisfy { (batch.warnings[$0] ?? []) == single[$0].warnings })
    #expect(try predictor.probabilities(columns: model.columns(rows)) == single.map(\.probability))
    // The probabilities are not all alike, and every warning occurs.
    #expect(Set(batch.probabilities).count > 1_000)
    #expect(Set(single.flatMap(\.warnings).map(\.kind)).count == PredictionWarning.Kind.allCases.count)
  }

  @Test func `a batch with a number beyond the range is refused by its row`() throws {
    let model = Self.byHand
    let rows = [
      [FeatureValue.number(1), .number(1), .category("a")], [.number(1), .number(1e151), .missing],
    ]
    .map { FeatureValues($0) }
    do {
      _ = try model.predictor().predict(model.batch(rows), slots: model.batchSlots)
      Issue.record("The batch was predicted.")
    } catch {
      #expect(error.row == 1 && error.feature == "y")
    }
    #expect(throws: LearningError.notFinite(feature: "y")) {
      try model.predictor().probabilities(columns: model.columns(rows))
    }
    let columns = try model.columns(rows)
    #expect(throws: LearningError.wrongFeatureCount(expected: 3, found: 1)) {
      try model.predictor().probabilities(columns: [columns[0]])
    }
    #expect(throws: LearningError.wrongValueType(feature: "c", expected: "category")) {
      try model.predictor().probabilities(columns: [columns[0], columns[0], columns[0]])
    }
  }

  @Test func `many warnings are left out of a batch`() throws {
    let model = Self.byHand
    let rows = [FeatureValues](
      repeating: FeatureValues([.number(31), .missing, .category("z")]), count: 3_000)
    let batch = try model.predictor().predict(model.batch(rows), slots: model.batchSlots)
    #expect(batch.warnedRows < 3_000 && batch.warnings.count == batch.warnedRows)
  }

  @Test func `the size grows with tables, categories and names`() {
    var model = Self.byHand
    let small = model.predictor().byteCount
    #expect(small > 500 && small < 5_000)
    model.features[2].categories = (0..<1_000).map { "a category with a long name \($0)" }
    #expect((80_000...200_000).contains(model.predictor().byteCount - small))
    model = Self.byHand
    model.features[0].edges = (0..<1_000).map { Double($0) }
    #expect(model.predictor().byteCount - small >= 16_000)
  }
}
