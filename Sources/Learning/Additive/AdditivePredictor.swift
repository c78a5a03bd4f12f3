/// An additive model prepared to answer fast: all tables in one array, categories in dictionaries.
///
/// Each method finds the slot of each value (see `AdditiveTables`) and adds up the same numbers in the same order: the intercept, the
/// features, the pairs.
public struct AdditivePredictor: Predictor {
  /// A feature: the places of its tables, and the values that training saw.
  struct Term: Sendable {
    var isNumber: Bool
    /// The place of the edges in ``tables``, and their number.
    var edges: Int
    var edgeCount: Int
    /// The place of the log-odds of each slot in ``tables``.
    var values: Int
    /// The slots of a missing value and of an unseen category.
    var missing: Int
    var unseen: Int
    /// Whether a value was missing in training.
    var sawMissing: Bool
    var minimum: Double
    var maximum: Double
    /// The mean contribution over the training rows.
    var mean: Double
  }

  /// A pair: its features and the places of its tables.
  struct Pair: Sendable {
    var first: Int
    var second: Int
    /// The places in ``indices`` of what each slot of the two features adds to the place of the cell.
    var firstIndex: Int
    var secondIndex: Int
    /// The place of the cells in ``tables``.
    var cells: Int
  }

  let names: [String]
  let terms: [Term]
  /// The slots of the categories of each feature; empty of a number.
  let levels: [[String: Int32]]
  let pairs: [Pair]
  let tables: [Double]
  let indices: [Int32]
  let intercept: Double
  let threshold: Double

  init(_ model: AdditiveModel) {
    let prepared = AdditiveTables(model)
    let rows = model.positives + model.negatives
    names = model.features.map(\.name)
    intercept = model.intercept
    threshold = model.threshold
    levels = model.features.map { feature in
      Dictionary((feature.categories ?? []).enumerated().map { ($1, Int32($0)) }) { first, _ in first }
    }
    var tables: [Double] = []
    var indices: [Int32] = []
    terms = zip(model.features, prepared.features).map { feature, table in
      let edges = tables.count
      tables += table.edges
      let values = tables.count
      tables += table.values
      return Term(
        isNumber: feature.categories == nil, edges: edges, edgeCount: table.edges.count, values: values,
        missing: table.missing, unseen: table.unseen, sawMissing: feature.missing != nil,
        minimum: feature.minimum ?? -.infinity, maximum: feature.maximum ?? .infinity,
        mean: feature.meanContribution(rows: rows))
    }
    pairs = prepared.pairs.map { pair in
      let (first, columns) = (indices.count, pair.cells[0].count)
      indices += pair.firstIndex.map { Int32($0 * columns) }
      let (second, cells) = (indices.count, tables.count)
      indices += pair.secondIndex.map { Int32($0) }
      tables += pair.cells.joined()
      return Pair(
        first: pair.first, second: pair.second, firstIndex: first, secondIndex: second, cells: cells)
    }
    self.tables = tables
    self.indices = indices
  }

  /// The answer to one row. Throws `LearningError` if a value is of the wrong type or not finite, or their number is wrong.
  public func predict(_ row: FeatureValues) throws(LearningError) -> Prediction {
    var warnings: [PredictionWarning] = []
    let probability = logit(try slots(row, warnings: &warnings)).sigmoid
    return Prediction(probability: probability, label: probability >= threshold ? 1 : 0, warnings: warnings)
  }

  /// The slot of each value of a row.
  func slots(_ row: FeatureValues, warnings: inout [PredictionWarning]) throws(LearningError) -> [Int] {
    guard row.values.count == terms.count else {
      throw .wrongFeatureCount(expected: terms.count, found: row.values.count)
    }
    var slots = [Int](repeating: 0, count: terms.count)
    for index in terms.indices {
      let term = terms[index]
      switch row.values[index] {
      case .number(let value):
        guard term.isNumber else { throw .wrongValueType(feature: names[index], expected: "category") }
        guard abs(value) <= FeatureValue.largestMagnitude else { throw .notFinite(feature: names[index]) }
        if !(value >= term.minimum && value <= term.maximum) {
          warnings.append(.outside(term.minimum...term.maximum, value, names[index]))
        }
        slots[index] = slot(of: value, term)
      case .category(let name):
        guard !term.isNumber else { throw .wrongValueType(feature: names[index], expected: "number") }
        if let slot = levels[index][name] {
          slots[index] = Int(slot)
        } else {
          warnings.append(.unseen(name, names[index]))
          slots[index] = term.unseen
        }
      case .missing:
        if !term.sawMissing { warnings.append(.unseenMissing(names[index])) }
        slots[index] = term.missing
      }
    }
    return slots
  }

  /// The log-odds of a row, given the slot of each value.
  func logit(_ slots: [Int]) -> Double {
    slots.withUnsafeBufferPointer { slots in withLookup { $0.logit(slots) } }
  }

  /// The slot of a number.
  func slot(of value: Double, _ term: Term) -> Int { withLookup { $0.slot(of: value, term) } }

  /// The log-odds that a pair adds.
  func value(of pair: Pair, _ slots: [Int]) -> Double {
    withLookup { $0.value(of: pair, slots[pair.first], slots[pair.second]) }
  }

  /// Calls a closure with the tables in a form without bounds checks and reference counts, for work on many values.
  @inline(__always)
  func withLookup<Result, Failure: Error>(_ body: (Lookup) throws(Failure) -> Result) throws(Failure)
    -> Result
  {
    try tables.withUnsafeBufferPointer { tables throws(Failure) in
      try indices.withUnsafeBufferPointer { indices throws(Failure) in
        try terms.withUnsafeBufferPointer { terms throws(Failure) in
          try pairs.withUnsafeBufferPointer { pairs throws(Failure) in
            try body(
              Lookup(intercept: intercept, tables: tables, indices: indices, terms: terms, pairs: pairs))
          }
        }
      }
    }
  }
}

extension AdditiveFeature {
  /// The mean contribution over `rows` training rows, 0 to within rounding where rows have no weights.
  fileprivate func meanContribution(rows: Int) -> Double {
    guard rows > 0 else { return 0 }
    return (bins + (missing.map { [$0] } ?? [])).reduce(0) { $0 + $1.value * Double($1.rows) } / Double(rows)
  }
}

extension AdditiveModel {
  /// The model prepared to answer fast; make it once and keep it.
  public func predictor() -> AdditivePredictor { AdditivePredictor(self) }

  /// The answer to one row; use `predictor()` for more.
  public func probability(of row: FeatureValues) throws(LearningError) -> Prediction {
    try predictor().predict(row)
  }
}
