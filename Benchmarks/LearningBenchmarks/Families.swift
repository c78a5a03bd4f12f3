import Foundation
import Learning

/// Fits models of any family to a table that `compare.py` has written, through the interface that all families have.
///
/// A fit is timed as the measurement of a training does it: from the columns to the probabilities of twenty rows held out, without
/// standard errors.
struct Families {
  private struct Report: Encodable {
    var times: [Double]
    /// The pairs of the model of all rows; nil if its family has none.
    var pairs: Int?
    var converged: Bool
  }

  private let table: TrainingTable
  private let parameters: TrainingParameters
  private let threads: Int?

  init(_ fits: Fits, threads: Int?) throws {
    var splits = [RowAttributes.Split](repeating: .train, count: fits.table.rowCount)
    for outcome: UInt8 in 0...1 {
      for row in fits.table.outcomes.indices.filter({ fits.table.outcomes[$0] == outcome }).prefix(10) {
        splits[row] = .validation
      }
    }
    let source = fits.table
    table = try TrainingTable(
      names: source.names, kinds: source.kinds, columns: source.columns, outcomes: source.outcomes,
      attributes: RowAttributes(splits: splits))
    var parameters = fits.parameters
    parameters.validation = .split()
    self.parameters = parameters
    self.threads = threads
  }

  private func fitOnce() throws {
    let split = try ValidationSplit(table, parameters: parameters)
    _ = try ModelFamilies.standard.type(named: parameters.family.rawValue).heldOut(
      table, parameters: parameters, split: split, warmStart: nil, threads: threads, progress: nil,
      isCancelled: { false })
  }

  /// Measures repeated fits after one training.
  func time(repetitions: Int) throws {
    let model = try ModelFamilies.standard.train(table, parameters: parameters, threads: threads).model
    var report = Report(times: [], pairs: (model as? AdditiveModel)?.pairs.count, converged: model.converged)
    for _ in 0..<repetitions { report.times.append(try seconds { try fitOnce() }.0) }
    printLine(String(decoding: try JSONEncoder().encode(report), as: UTF8.self))
  }

  /// Measures the peak memory of the process with the table in memory, and after one training with its fit of all rows.
  func peak() throws {
    let before = peakMemory()
    _ = try ModelFamilies.standard.train(table, parameters: parameters, threads: threads)
    printLine("{\"table\": \(before), \"fit\": \(peakMemory())}")
  }
}
