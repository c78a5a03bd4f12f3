import Foundation

@testable import Learning

/// The census income data of Becker and Kohavi (1996), as the example at the repository root has it.
enum Adult {
  static let numbers: Set<String> = [
    "age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours_per_week",
  ]

  struct Failure: Error { var file: String }

  /// Reads `adult_train.csv` or `adult_test.csv`; question marks and empty fields are missing values.
  static func table(_ name: String) throws -> TrainingTable {
    let root = URL(filePath: #filePath).appending(path: "../../../..").standardizedFileURL
    let text = try String(contentsOf: root.appending(path: "Examples/adult/\(name).csv"), encoding: .utf8)
    var lines = text.split(whereSeparator: \.isNewline)[...]
    guard let header = lines.popFirst()?.split(separator: ",").map(String.init), let label = header.last
    else {
      throw Failure(file: name)
    }
    let fields = lines.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    let names = header.filter { $0 != label }
    let columns = names.enumerated().map { index, name -> TrainingTable.Column in
      let values = fields.map { $0[index] }
      if numbers.contains(name) { return .numeric(values.map { Double($0) ?? .nan }) }
      return .categorical(values)
    }
    return try TrainingTable(
      names: names, kinds: names.map { numbers.contains($0) ? .continuous : .categorical }, columns: columns,
      outcomes: fields.map { $0.last?.hasPrefix(">50K") == true ? 1 : 0 })
  }
}

extension TrainingTable.Column {
  /// Codes text by order of appearance; "" and "?" are missing.
  static func categorical(_ values: [String]) -> TrainingTable.Column {
    var levels: [String] = []
    var known: [String: Int32] = [:]
    let codes = values.map { value -> Int32 in
      if value.isEmpty || value == "?" { return -1 }
      if let code = known[value] { return code }
      known[value] = Int32(levels.count)
      levels.append(value)
      return Int32(levels.count - 1)
    }
    return .categorical(codes: codes, levels: levels)
  }
}

extension TrainingTable {
  /// One row as a row to predict on.
  func row(_ index: Int) -> FeatureValues {
    FeatureValues(
      columns.map { column in
        switch column {
        case .numeric(let values): values[index].isNaN ? .missing : .number(values[index])
        case .categorical(let codes, let levels):
          codes[index] < 0 ? .missing : .category(levels[Int(codes[index])])
        }
      })
  }
}
