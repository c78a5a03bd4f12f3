@testable import Learning

/// Generates data from a seed, identically on every platform.
struct Generated {
  var generator: SplitMix64

  init(seed: UInt64) { generator = SplitMix64(seed: seed) }

  /// Uniform in 0..<1.
  mutating func uniform() -> Double { Double(generator.next() >> 11) * 0x1p-53 }

  /// Approximately normal with mean 0 and variance 1: the sum of twelve uniform numbers minus six.
  mutating func normal() -> Double { (0..<12).reduce(-6) { sum, _ in sum + uniform() } }

  mutating func normals(_ count: Int) -> [Double] { (0..<count).map { _ in normal() } }

  /// 1 with the probability sigmoid(logit).
  mutating func outcomes(_ logits: [Double]) -> [UInt8] { logits.map { uniform() < $0.sigmoid ? 1 : 0 } }

  /// A table of two numbers and a category that all affect the outcome.
  mutating func table(rows: Int) throws -> TrainingTable {
    let (a, b) = (normals(rows), normals(rows))
    let colours = ["red", "green", "blue"]
    let codes = (0..<rows).map { _ in Int32(generator.below(3)) }
    let logits = (0..<rows).map { a[$0] - 0.5 * b[$0] + [0, 1, -1][Int(codes[$0])] }
    return try TrainingTable(
      names: ["a", "b", "colour"], kinds: [.continuous, .continuous, .categorical],
      columns: [.numeric(a), .numeric(b), .categorical(codes: codes, levels: colours)],
      outcomes: outcomes(logits))
  }
}

extension TrainingTable {
  /// A table of numbers only.
  static func numbers(_ columns: [[Double]], _ outcomes: [UInt8]) throws -> TrainingTable {
    try TrainingTable(
      names: columns.indices.map { "x\($0)" }, kinds: columns.map { _ in .continuous },
      columns: columns.map { .numeric($0) }, outcomes: outcomes)
  }

  func replacing(_ index: Int, by column: Column) throws -> TrainingTable {
    var columns = columns
    columns[index] = column
    return try TrainingTable(names: names, kinds: kinds, columns: columns, outcomes: outcomes)
  }
}

extension TrainingParameters {
  init(_ penalty: Penalty, c: Double = 1, l1Ratio: Double? = nil) {
    self.init()
    self.penalty = penalty
    self.c = c
    self.l1Ratio = l1Ratio ?? (penalty == .elasticnet ? 0.5 : nil)
  }
}

extension LogisticModel {
  func probabilities(_ table: TrainingTable) throws -> [Double] {
    let predictor = predictor()
    return try (0..<table.rowCount).map { try predictor.predict(table.row($0)).probability }
  }

  /// Whether all coefficients are finite.
  var isFinite: Bool {
    let coefficients = features.flatMap { feature in
      [feature.coefficient, feature.missing].compactMap { $0 } + (feature.categories ?? []).map(\.coefficient)
    }
    return intercept.isFinite && standardizedIntercept.isFinite && trainingLoss.isFinite
      && coefficients.allSatisfy { $0.value.isFinite && $0.standardized.isFinite }
  }
}

/// The largest difference between two lists of numbers.
func distance(_ a: [Double], _ b: [Double]) -> Double {
  zip(a, b).reduce(a.count == b.count ? 0 : .infinity) { max($0, abs($1.0 - $1.1)) }
}
