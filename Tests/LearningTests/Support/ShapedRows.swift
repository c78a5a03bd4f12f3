import Foundation

@testable import Learning

/// Rows drawn from an additive model that is known.
struct ShapedRows {
  private var generator: SplitMix64

  init(seed: UInt64) { generator = SplitMix64(seed: seed) }

  mutating func uniform() -> Double { Double(generator.next() >> 11) / Double(1 << 53) }

  /// log-odds = 1.2·sin(3x₀) + x₁² − ⅓ + category effects (−0.7, 0, 0.7), x₀, x₁ in −1…1; a third number without effect, a tenth of whose
  /// values are missing.
  mutating func table(rows: Int) throws -> TrainingTable {
    var columns: [[Double]] = [[], [], []]
    var codes: [Int32] = []
    var outcomes: [UInt8] = []
    for _ in 0..<rows {
      let x = (0..<3).map { _ in uniform() * 2 - 1 }
      let code = Int32(generator.below(3))
      for index in 0..<3 { columns[index].append(index == 2 && uniform() < 0.1 ? .nan : x[index]) }
      codes.append(code)
      let margin = Self.first(x[0]) + Self.second(x[1]) + 0.7 * (Double(code) - 1)
      outcomes.append(uniform() < margin.sigmoid ? 1 : 0)
    }
    return try TrainingTable(
      names: ["wave", "bowl", "noise", "group"],
      kinds: [.continuous, .continuous, .continuous, .categorical],
      columns: columns.map { .numeric($0) } + [
        .categorical(codes: codes, levels: ["low", "middle", "high"])
      ],
      outcomes: outcomes)
  }

  /// Two numbers in −1…1 whose functions are random walks of 40 steps, which are returned too.
  mutating func walks(rows: Int) throws -> (TrainingTable, [(Double) -> Double]) {
    let walks = (0..<2).map { _ in
      var level = 0.0
      return (0..<40).map { _ -> Double in
        // A sum of twelve uniform numbers is nearly normal.
        level += 0.3 * ((0..<12).reduce(0) { sum, _ in sum + uniform() } - 6)
        return level
      }
    }
    let truths: [(Double) -> Double] = walks.map { walk in { walk[min(39, Int(($0 + 1) * 20))] } }
    var columns: [[Double]] = [[], []]
    var outcomes: [UInt8] = []
    for _ in 0..<rows {
      let x = (0..<2).map { _ in uniform() * 2 - 1 }
      for index in 0..<2 { columns[index].append(x[index]) }
      outcomes.append(uniform() < (truths[0](x[0]) + truths[1](x[1])).sigmoid ? 1 : 0)
    }
    return (try .numbers(columns, outcomes), truths)
  }

  /// An outcome that only the two numbers together tell: positive where both have the same sign, in nine of ten rows.
  mutating func crossed(rows: Int) throws -> TrainingTable {
    var columns: [[Double]] = [[], [], []]
    var outcomes: [UInt8] = []
    for _ in 0..<rows {
      let x = (0..<3).map { _ in uniform() * 2 - 1 }
      for index in 0..<3 { columns[index].append(x[index]) }
      outcomes.append((x[0] * x[1] > 0) == (uniform() < 0.9) ? 1 : 0)
    }
    return try .numbers(columns, outcomes)
  }

  /// A straight line in two numbers.
  mutating func straight(rows: Int) throws -> TrainingTable {
    var columns: [[Double]] = [[], []]
    var outcomes: [UInt8] = []
    for _ in 0..<rows {
      let x = (0..<2).map { _ in uniform() * 2 - 1 }
      for index in 0..<2 { columns[index].append(x[index]) }
      outcomes.append(uniform() < (2 * x[0] - x[1]).sigmoid ? 1 : 0)
    }
    return try .numbers(columns, outcomes)
  }

  static func first(_ x: Double) -> Double { 1.2 * sin(3 * x) }
  static func second(_ x: Double) -> Double { x * x - 1.0 / 3 }
}
