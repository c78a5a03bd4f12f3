import Foundation
import Learning

/// The rows of a split: two CSV files with the same header, whose last column is the outcome, 0 or 1.
///
/// A feature is a number if all its values in both files are numbers, and categorical otherwise. An empty field is a missing value.
struct SplitFiles {
  /// The rows to fit.
  let train: TrainingTable
  /// The features of the rows to predict, in the same order.
  let test: [TrainingTable.Column]

  init(train: URL, test: URL) throws {
    let (fitted, fresh) = (try CSVColumns(train), try CSVColumns(test))
    let features = zip(fitted.columns, fresh.columns).dropLast().map { first, second in
      if let numbers = Self.numbers(first), let others = Self.numbers(second) { return (numbers, others) }
      return (Self.categories(first), Self.categories(second))
    }
    self.train = try TrainingTable(
      names: Array(fitted.names.dropLast()),
      kinds: features.map { if case .numeric = $0.0 { .continuous } else { .categorical } },
      columns: features.map(\.0), outcomes: (fitted.columns.last ?? []).map { $0 == "1" ? 1 : 0 })
    self.test = features.map(\.1)
  }

  private static func numbers(_ texts: [String]) -> TrainingTable.Column? {
    var values: [Double] = []
    values.reserveCapacity(texts.count)
    for text in texts {
      guard let value = text.isEmpty ? .nan : Double(text) else { return nil }
      values.append(value)
    }
    return .numeric(values)
  }

  private static func categories(_ texts: [String]) -> TrainingTable.Column {
    let levels = Set(texts).subtracting([""]).sorted()
    let codes = Dictionary(uniqueKeysWithValues: levels.enumerated().map { ($1, Int32($0)) })
    return .categorical(codes: texts.map { codes[$0] ?? -1 }, levels: levels)
  }
}

/// The fields of a CSV file (RFC 4180) by column.
private struct CSVColumns {
  private(set) var names: [String] = []
  private(set) var columns: [[String]] = []

  init(_ url: URL) throws {
    let bytes = [UInt8](try Data(contentsOf: url))
    var row: [String] = []
    var field: [UInt8] = []
    var isQuoted = false
    for byte in bytes {
      switch byte {
      // Two quotes within quotes close and open again.
      case UInt8(ascii: "\""): isQuoted.toggle()
      case UInt8(ascii: ",") where !isQuoted, UInt8(ascii: "\n") where !isQuoted:
        row.append(String(decoding: field, as: UTF8.self))
        field.removeAll(keepingCapacity: true)
        if byte == UInt8(ascii: "\n") {
          add(row)
          row.removeAll(keepingCapacity: true)
        }
      default: field.append(byte)
      }
    }
  }

  private mutating func add(_ row: [String]) {
    if names.isEmpty {
      names = row
      columns = row.map { _ in [] }
    } else {
      for (index, text) in row.enumerated() { columns[index].append(text) }
    }
  }
}
