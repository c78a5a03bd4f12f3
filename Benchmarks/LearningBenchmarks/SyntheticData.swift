import Learning
import TestSupport

/// Generates synthetic tables, the same in every run.
struct SyntheticData {
  private var generator: SeededRandom

  init(seed: UInt64) { generator = SeededRandom(seed: seed) }

  mutating func next() -> UInt64 { generator.next() }

  mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// An approximately normal number with mean 0 and variance 1.
  mutating func normal() -> Double { (0..<4).reduce(-2) { sum, _ in sum + uniform() } * 1.732 }

  /// A table of numbers, the first few of which are predictive, and categories, which are slightly predictive.
  static func table(rows: Int, numbers: Int, categories: Int = 0, levels: Int = 0) throws -> TrainingTable {
    var data = SyntheticData(seed: UInt64(rows + numbers))
    let columns = (0..<numbers).map { _ in (0..<rows).map { _ in data.normal() } }
    let codes = (0..<categories).map { _ in
      (0..<rows).map { _ in Int32(truncatingIfNeeded: data.next() % UInt64(levels)) }
    }
    let outcomes = (0..<rows).map { row -> UInt8 in
      var threshold = 0.1
      for column in columns.prefix(5) { threshold += 0.12 * column[row] }
      for code in codes.prefix(3) { threshold += code[row] % 3 == 0 ? 0.1 : 0 }
      return data.uniform() < min(max(threshold + 0.2, 0.02), 0.98) ? 1 : 0
    }
    return try TrainingTable(
      names: (0..<(numbers + categories)).map { "feature \($0)" },
      kinds: (0..<(numbers + categories)).map { $0 < numbers ? .continuous : .categorical },
      columns: columns.map { .numeric($0) }
        + codes.map { .categorical(codes: $0, levels: (0..<levels).map { "level \($0)" }) },
      outcomes: outcomes)
  }
}
