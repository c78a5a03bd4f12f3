import Foundation
import Learning
import Synchronization
import TestSupport

/// Measures complete trainings as a job runs them: hold-out or folds, KPIs and curves, and the fit on all rows.
struct Trainings {
  private static let rounds = 7

  func run() throws {
    let table = try SyntheticData.table(rows: 1_000_000, numbers: 10)
    let matrix = Double(1_000_000 * 10 * 8)
    for folds in [0, 5] {
      var parameters = TrainingParameters()
      if folds > 0 { parameters.validation = .kfold(folds: folds) }
      let name = folds > 0 ? "\(folds) folds" : "hold-out"
      for threads in [1, 2] {
        let times = try (0..<Self.rounds).map { _ in
          try seconds { try train(table, parameters: parameters, threads: threads) }.0
        }
        printLine(
          "1,000,000 × 10, \(name), \(threads) thread\(threads == 1 ? "" : "s"): "
            + "\(Int(1_000 * median(times))) ms; peak memory of the process "
            + "\(String(format: "%.2f", Double(peakMemory()) / matrix)) × the design matrix")
      }
      try phases(table, parameters)
    }
  }

  /// Prints the durations of the phases of one training, from one progress report to the next.
  private func phases(_ table: TrainingTable, _ parameters: TrainingParameters) throws {
    let reports = Mutex<[(String, ContinuousClock.Instant)]>([("start", .now)])
    _ = try train(table, parameters: parameters) { report in
      let fold = report.fold.map { " \($0)" } ?? ""
      reports.withLock { $0.append(("\(report.phase)\(fold), step \(report.iteration)", .now)) }
    }
    let all = reports.withLock { $0 } + [("end", .now)]
    for (from, to) in zip(all, all.dropFirst()) {
      let time = from.1.duration(to: to.1) / .milliseconds(1)
      if time >= 1 { printLine("    after \(from.0): \(String(format: "%.1f", time)) ms") }
    }
  }
}
