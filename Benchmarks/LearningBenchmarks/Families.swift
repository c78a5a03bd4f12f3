import Foundation
import Learning

/// Fits models of any family to a table that `compare.py` has written.
struct Families {
  private struct Report: Encodable {
    /// Of each fit, from the columns to the model with its standard errors.
    var times: [Double]
    /// The pairs of the model; absent if its family has none.
    var pairs: Int?
    var converged: Bool
  }

  let fits: Fits
  let threads: Int?

  private func fitted() throws -> any BinaryClassifier {
    try ModelFamilies.standard.fit(fits.table, parameters: fits.parameters, threads: threads)
  }

  /// Measures repeated fits after one that is not timed.
  func time(repetitions: Int) throws {
    let model = try fitted()
    var report = Report(times: [], pairs: (model as? AdditiveModel)?.pairs.count, converged: model.converged)
    for _ in 0..<repetitions { report.times.append(try seconds { try fitted() }.0) }
    printLine(String(decoding: try JSONEncoder().encode(report), as: UTF8.self))
  }

  /// Measures the peak memory of the process with the table in memory, and after one fit.
  func peak() throws {
    let before = peakMemory()
    _ = try fitted()
    printLine("{\"table\": \(before), \"fit\": \(peakMemory())}")
  }
}
