import Foundation
import Learning

/// Fits models to a table that `compare.py` has written: `shape.json` and a file of raw numbers for each column.
struct Fits {
  private struct Shape: Decodable {
    struct Column: Decodable {
      var name: String
      /// Absent for numbers.
      var levels: [String]?
    }
    var columns: [Column]
  }

  private struct Report: Encodable {
    var times: [Double]
    var model: LogisticModel
  }

  let table: TrainingTable
  let parameters: TrainingParameters

  init(directory: String, parameters: String) throws {
    let directory = URL(filePath: directory)
    func read<Element>(_ file: String, as type: Element.Type, zero: Element) throws -> [Element] {
      let data = try Data(contentsOf: directory.appending(path: file), options: .alwaysMapped)
      var values = [Element](repeating: zero, count: data.count / MemoryLayout<Element>.stride)
      _ = values.withUnsafeMutableBytes { data.copyBytes(to: $0) }
      return values
    }
    let shape = try JSONDecoder().decode(
      Shape.self, from: Data(contentsOf: directory.appending(path: "shape.json")))
    table = try TrainingTable(
      names: shape.columns.map(\.name),
      kinds: shape.columns.map { $0.levels == nil ? .continuous : .categorical },
      columns: shape.columns.enumerated().map { index, column in
        if let levels = column.levels {
          return .categorical(codes: try read("\(index).bin", as: Int32.self, zero: 0), levels: levels)
        }
        return .numeric(try read("\(index).bin", as: Double.self, zero: 0))
      }, outcomes: try read("outcomes.bin", as: UInt8.self, zero: 0))
    self.parameters = try JSONDecoder().decode(TrainingParameters.self, from: Data(parameters.utf8))
  }

  /// Measures repeated fits, each from the columns to the coefficients with standard errors.
  func time(repetitions: Int, threads: Int?) throws {
    var report = Report(times: [], model: try fit(table, parameters: parameters, threads: threads))
    for _ in 0..<repetitions {
      report.times.append(try seconds { try fit(table, parameters: parameters, threads: threads) }.0)
    }
    printLine(String(decoding: try JSONEncoder().encode(report), as: UTF8.self))
  }

  /// Measures the peak memory of the process with the table in memory, and after one fit.
  func peak() throws {
    let before = peakMemory()
    _ = try fit(table, parameters: parameters)
    printLine("{\"table\": \(before), \"fit\": \(peakMemory())}")
  }
}
