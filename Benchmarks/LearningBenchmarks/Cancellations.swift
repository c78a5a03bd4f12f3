import Foundation
import Learning
import Synchronization

/// Cancels trainings at many moments and measures how much later they end.
struct Cancellations {
  private struct Case {
    var name: String
    var table: TrainingTable
    var penalty = TrainingParameters.Penalty.l2
    var folds = 0
  }

  private static let moments = 24

  func run() throws {
    print("A training told to stop ends so much later (milliseconds; \(Self.moments) moments each):")
    for make in cases { try measure(try make()) }
  }

  private var cases: [() throws -> Case] {
    let wide = { try Made.table(rows: 20_000, numbers: 900) }
    return [
      { Case(name: "1,000,000 × 10, hold-out", table: try Made.table(rows: 1_000_000, numbers: 10)) },
      {
        Case(name: "1,000,000 × 10, 5 folds", table: try Made.table(rows: 1_000_000, numbers: 10), folds: 5)
      },
      {
        Case(
          name: "1,000,000 × (4 numbers, 6 categories), 5 folds, l1",
          table: try Made.table(rows: 1_000_000, numbers: 4, categories: 6, levels: 12), penalty: .l1,
          folds: 5)
      },
      { Case(name: "20,000 × 900, l2", table: try wide()) },
      { Case(name: "20,000 × 900, l1", table: try wide(), penalty: .l1) },
      { Case(name: "20,000 × 900, no penalty", table: try wide(), penalty: .none) },
      { Case(name: "10,000 × 2,000, l2", table: try Made.table(rows: 10_000, numbers: 2_000)) },
      { Case(name: "10,000 × 2,000, l1", table: try Made.table(rows: 10_000, numbers: 2_000), penalty: .l1) },
      {
        Case(
          name: "60,000 × a category of 50,000",
          table: try Made.table(rows: 60_000, numbers: 1, categories: 1, levels: 50_000))
      },
      {
        Case(
          name: "20,000 × 400 categories of 2",
          table: try Made.table(rows: 20_000, numbers: 1, categories: 400, levels: 2))
      },
    ]
  }

  private func measure(_ example: Case) throws {
    var parameters = TrainingParameters()
    parameters.penalty = example.penalty
    if example.folds > 0 { parameters.validation = .kfold(folds: example.folds) }
    // At most a minute of it; what comes later is more of the same.
    let whole = try seconds { try ending(example.table, parameters, after: 20) }.0
    var late: [Double] = []
    for moment in 0..<Self.moments {
      let after = whole * (Double(moment) + 0.5) / Double(Self.moments)
      if let delay = try ending(example.table, parameters, after: after).late { late.append(delay) }
    }
    let name = example.name.padding(toLength: 56, withPad: " ", startingAt: 0)
    let (worst, middle) = (1_000 * (late.max() ?? 0), 1_000 * median(late))
    print(
      "\(name) worst \(String(format: "%5.1f", worst)), median \(String(format: "%5.1f", middle)) "
        + "(of \(String(format: "%.2f", whole)) s)")
  }

  /// Trains until some seconds have passed; answers how late it ended after that, unless it was done before.
  private func ending(
    _ table: TrainingTable, _ parameters: TrainingParameters, after: Double
  ) throws -> (late: Double?, phase: String) {
    let start = ContinuousClock.now
    let deadline = start + .seconds(after)
    let phase = Mutex("")
    do {
      _ = try train(
        table, parameters: parameters, progress: { report in phase.withLock { $0 = report.phase } },
        isCancelled: { ContinuousClock.now >= deadline })
      return (nil, phase.withLock { $0 })
    } catch is CancellationError {
      return (deadline.duration(to: .now) / .seconds(1), phase.withLock { $0 })
    }
  }
}
