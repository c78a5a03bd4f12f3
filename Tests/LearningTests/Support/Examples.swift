import Foundation

@testable import Learning

/// The tables of the examples at the repository root: census income (Becker and Kohavi 1996).
enum Examples {
  struct Failure: Error { var file: String }

  /// Reads `adult_train.csv` or `adult_test.csv`.
  static func adult(_ name: String) throws -> TrainingTable {
    try table("adult/\(name)", categories: nil) { $0.hasPrefix(">50K") }
  }

  /// Reads `census10.csv`: Adult in ten columns, eight of them numbers.
  static func census() throws -> TrainingTable {
    try table("census/census10", categories: ["cat_1", "cat_2"]) { $0 == "1" }
  }

  /// Reads a file whose last column is the outcome; question marks and empty fields are missing values. Columns are
  /// numbers unless named, or, without names, unless one of their values is no number.
  private static func table(
    _ name: String, categories: Set<String>?, isPositive: (String) -> Bool
  ) throws -> TrainingTable {
    let root = URL(filePath: #filePath).appending(path: "../../../..").standardizedFileURL
    let text = try String(contentsOf: root.appending(path: "Examples/\(name).csv"), encoding: .utf8)
    var lines = text.split(whereSeparator: \.isNewline)[...]
    guard let header = lines.popFirst()?.split(separator: ",").map(String.init) else {
      throw Failure(file: name)
    }
    let fields = lines.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    let names = Array(header.dropLast())
    let columns = names.enumerated().map { index, name -> TrainingTable.Column in
      let values = fields.map { $0[index] }
      let isNumber =
        categories.map { !$0.contains(name) }
        ?? values.allSatisfy { $0.isEmpty || $0 == "?" || Double($0) != nil }
      return isNumber ? .numeric(values.map { Double($0) ?? .nan }) : .categorical(values)
    }
    return try TrainingTable(
      names: names,
      kinds: columns.map { if case .numeric = $0 { .continuous } else { .categorical } },
      columns: columns, outcomes: fields.map { isPositive($0.last ?? "") ? 1 : 0 })
  }

  /// Ten numbers per row: six numbers of Adult and four of its categories, numbered by first appearance.
  static func tenNumbers() throws -> TrainingTable {
    let table = try adult("adult_train")
    let names = [
      "age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours_per_week", "workclass",
      "education", "relationship", "sex",
    ]
    let ten = try table.selecting(names)
    return try TrainingTable(
      names: names, kinds: names.map { _ in .continuous },
      columns: ten.columns.map { column in
        guard case .categorical(let codes, _) = column else { return column }
        return .numeric(codes.map { $0 < 0 ? .nan : Double($0) })
      }, outcomes: table.outcomes)
  }
}

extension TrainingTable.Column {
  /// Encodes text by order of first appearance. "" and "?" are missing.
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
  /// The row as input of a prediction.
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
