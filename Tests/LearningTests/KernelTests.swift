import CKernels
import Foundation
import Synchronization
import Testing

@testable import Learning

/// Compares the C kernels with the same sums in plain Swift, for every instruction set of the processor.
@Suite struct KernelTests {
  private static var sets: [ck_isa] {
    [CK_BASELINE, CK_AVX2, CK_AVX512].filter { $0.rawValue <= ck_best_isa().rawValue }
  }

  @Test(arguments: [1, 7, 255, 256, 257, 1_000], [false, true])
  func `loss and derivatives agree with their definitions`(_ rows: Int, _ isWeighted: Bool) throws {
    var data = Generated(seed: UInt64(rows))
    let numbers = (0..<3).map { column in
      (0..<rows).map { _ in column == 1 && data.uniform() < 0.2 ? Double.nan : 5 + 3 * data.normal() }
    }
    let codes = (0..<2).map { _ in (0..<rows).map { _ in Int32(data.generator.below(4)) - 1 } }
    let outcomes = (0..<rows).map { _ in UInt8(data.generator.below(2)) }
    let table = try TrainingTable(
      names: ["a", "b", "c", "d", "e"],
      kinds: [.continuous, .continuous, .continuous, .categorical, .categorical],
      columns: numbers.map { .numeric($0) } + codes.map { .categorical(codes: $0, levels: ["x", "y", "z"]) },
      outcomes: outcomes,
      attributes: RowAttributes(weights: isWeighted ? (0..<rows).map { _ in 0.1 + 3 * data.uniform() } : nil))
    for set in Self.sets {
      try table.withPinned { pinned in
        let runner = BlockRunner(threads: 2, instructionSet: set)
        let statistics = try TableStatistics(table, pinned: pinned, folds: .whole, runner: runner)
        let layout = DesignLayout(table, statistics: statistics)
        let matrix = DesignMatrix(layout: layout, pinned: pinned, fold: nil)
        var encoding = Encoding(
          statistics: statistics, rows: [[1, 1]], excluded: nil, balanced: false)
        encoding.weights = [0.5, 2]
        matrix.configure(encoding)
        let objective = Objective(
          matrix: matrix, encoding: encoding,
          penalty: PenaltyWeights(TrainingParameters(.none), columns: layout.columns), runner: runner)
        let beta = data.normals(layout.columns)
        let point = try objective.evaluate(beta)
        let reference = Reference(table, encoding: encoding, layout: layout, beta: beta)
        #expect(abs(point.loss - reference.loss) <= 1e-12 * reference.loss)
        #expect(distance(point.gradient, reference.gradient) < 1e-11 * Double(rows))
        for row in 0..<layout.columns {
          for column in 0...row {
            let value = objective.hessian[row * objective.stride + column]
            #expect(abs(value - reference.hessian[row][column]) < 1e-11 * Double(rows))
          }
        }
        var probabilities = [Double](repeating: 0, count: rows)
        try objective.predict(beta, only: nil, into: &probabilities)
        #expect(distance(probabilities, reference.probabilities) < 1e-14)
      }
    }
  }

  /// Reference implementation of the kernels by their definitions.
  private struct Reference {
    var loss = 0.0
    var gradient: [Double]
    var hessian: [[Double]]
    var probabilities: [Double] = []

    init(_ table: TrainingTable, encoding: Encoding, layout: DesignLayout, beta: [Double]) {
      let columns = layout.columns
      gradient = [Double](repeating: 0, count: columns)
      hessian = [[Double]](repeating: gradient, count: columns)
      for row in 0..<table.rowCount {
        var x = [Double](repeating: 0, count: columns)
        x[0] = 1
        for (slot, column) in zip(layout.slots, table.columns) {
          switch (slot, column) {
          case (.numeric(let index, let position, let indicator), .numeric(let values)):
            let moments = encoding.numeric[index]
            let isMissing = values[row].isNaN
            x[position] =
              isMissing || moments.isConstant ? 0 : (values[row] - moments.mean) / moments.standardDeviation
            if let indicator, isMissing { x[indicator] = 1 }
          case (.factor(_, let first, _, let missing), .categorical(let codes, _)):
            if codes[row] >= 0 { x[first + Int(codes[row])] = 1 } else if let missing { x[missing] = 1 }
          default: break
          }
        }
        let logit = zip(x, beta).reduce(0) { $0 + $1.0 * $1.1 }
        let p = logit.sigmoid
        let outcome = table.outcomes[row]
        let weight = encoding.weights[Int(outcome)] * (table.attributes.weights?[row] ?? 1)
        loss -= weight * (outcome == 1 ? p : 1 - p).logarithm
        probabilities.append(p)
        for i in 0..<columns {
          gradient[i] += weight * (p - Double(outcome)) * x[i]
          for j in 0...i { hessian[i][j] += weight * p * (1 - p) * x[i] * x[j] }
        }
      }
    }
  }

  @Test func `moments keep their precision under a huge offset`() {
    let small = (0..<10_000).map { Double(($0 * 7919) % 1_000) }
    let huge = small.map { $0 + 1e12 }
    for set in Self.sets {
      var moments = ck_moments()
      ck_column_moments(set, huge, nil, 1, 0, huge.count, &moments)
      let mean = small.reduce(0, +) / 10_000
      let squares = small.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      #expect(moments.count == 10_000 && moments.minimum == 1e12 && moments.maximum == 1e12 + 999)
      #expect(abs(moments.mean - 1e12 - mean) < 1e-3)
      #expect(abs(moments.squares / squares - 1) < 1e-9)
    }
  }

  @Test(arguments: [1, 2, 3, 8]) func `a thread pool runs every block once`(_ threads: Int) throws {
    let blocks = 7
    let counts = (0..<blocks).map { _ in Counter() }
    try ThreadPool.with(threads: threads) { pool in
      var runner = BlockRunner(threads: threads)
      runner.pool = pool
      for round in 1...2_000 {
        try runner.run(blocks) { block, _, _ in counts[block].value.add(1, ordering: .relaxed) }
        // All blocks are complete when the pass returns.
        #expect(counts.allSatisfy { $0.value.load(ordering: .relaxed) == round })
        if round % 500 == 0 { usleep(2_000) }
      }
    }
    #expect(throws: LearningError.self) {
      try ThreadPool.with(threads: threads) { _ in throw LearningError.tooLarge(detail: "") }
    }
  }

  private final class Counter: Sendable { let value = Atomic<Int>(0) }

  @Test func `the sort agrees with the standard library`() {
    var data = Generated(seed: 61)
    for count in [0, 1, 2, 1_000] {
      let keys = (0..<count).map { _ in data.generator.next() >> UInt64(data.generator.below(64)) }
      #expect(ScoreRanking(keys: keys) {}.keys == keys.sorted())
    }
  }
}
