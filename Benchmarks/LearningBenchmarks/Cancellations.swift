import Foundation
import Learning
import Synchronization
import TestSupport

/// Measures the time from the cancellation of a training to its end, at many moments of the training.
struct Cancellations {
  private struct Case {
    var name: String
    var make: () throws -> TrainingTable
    var penalty = TrainingParameters.Penalty.l2
    var choosesC = false
    var folds = 0

    init(
      name: String, penalty: TrainingParameters.Penalty = .l2, choosesC: Bool = false, folds: Int = 0,
      make: @escaping () throws -> TrainingTable
    ) {
      (self.name, self.penalty, self.choosesC, self.folds, self.make) = (name, penalty, choosesC, folds, make)
    }
  }

  private static let moments = 10

  func run(only part: String?) throws {
    printLine("Time from cancellation to the end of a training (milliseconds; \(Self.moments) moments each):")
    for example in cases where part.map({ example.name.contains($0) }) ?? true { try measure(example) }
  }

  private var cases: [Case] {
    let long = { try SyntheticData.table(rows: 1_000_000, numbers: 10) }
    let mixed = { try SyntheticData.table(rows: 1_000_000, numbers: 4, categories: 6, levels: 12) }
    let wide = { try SyntheticData.table(rows: 20_000, numbers: 900) }
    let wider = { try SyntheticData.table(rows: 5_000, numbers: 2_000) }
    return [
      Case(name: "1,000,000 × 10, hold-out", make: long),
      Case(name: "1,000,000 × 10, 5 folds", folds: 5, make: long),
      Case(name: "1,000,000 × (4 numbers, 6 categories), 5 folds, l1", penalty: .l1, folds: 5, make: mixed),
      Case(name: "20,000 × 900, l2", make: wide),
      Case(name: "20,000 × 900, C auto", choosesC: true, make: wide),
      Case(name: "20,000 × 900, l1", penalty: .l1, make: wide),
      Case(name: "20,000 × 900, no penalty", penalty: .none, make: wide),
      Case(name: "5,000 × 2,000, l2", make: wider),
      Case(name: "5,000 × 2,000, C auto", choosesC: true, make: wider),
      Case(name: "5,000 × 2,000, l1", penalty: .l1, make: wider),
      Case(name: "60,000 × a category of 50,000") {
        try SyntheticData.table(rows: 60_000, numbers: 1, categories: 1, levels: 50_000)
      },
      Case(name: "20,000 × 400 categories of 2") {
        try SyntheticData.table(rows: 20_000, numbers: 1, categories: 400, levels: 2)
      },
    ]
  }

  private func measure(_ example: Case) throws {
    var parameters = TrainingParameters()
    parameters.penalty = example.penalty
    parameters.choosesC = example.choosesC
    if example.folds > 0 { parameters.validation = .kfold(folds: example.folds) }
    let table = try example.make()
    // A few seconds suffice; later iterations are alike.
    let whole = try seconds { try ending(table, parameters, after: 3) }.0
    var late: [(seconds: Double, phase: String)] = []
    for moment in 0..<Self.moments {
      let after = whole * (Double(moment) + 0.5) / Double(Self.moments)
      let end = try ending(table, parameters, after: after)
      if let seconds = end.late { late.append((seconds, end.phase)) }
    }
    let name = example.name.padding(toLength: 56, withPad: " ", startingAt: 0)
    let worst = late.max { $0.seconds < $1.seconds }
    printLine(
      "\(name) worst \(String(format: "%5.1f", 1_000 * (worst?.seconds ?? 0))) (\(worst?.phase ?? "")), "
        + "median \(String(format: "%5.1f", 1_000 * median(late.map(\.seconds)))) "
        + "(of \(String(format: "%.2f", whole)) s)")
  }

  /// Trains until `after` seconds have passed. Returns how much later the training ended, or nil if it completed before.
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
