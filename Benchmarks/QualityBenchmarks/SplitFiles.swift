import Foundation
import Learning

/// The rows of a split: two CSV files with the same header, whose last column is the outcome, 0 or 1.
///
/// A feature is a number if all its values in both files are numbers, and categorical otherwise. An empty field is a missing value.
struct SplitFiles {
  private let names: [String]
  private let columns: [[String]]
  private let fitted: Int

  init(train: URL, test: URL) throws {
    let (first, second) = (try CSVColumns(train), try CSVColumns(test))
    names = first.names
    columns = zip(first.columns, second.columns).map { $0 + $1 }
    fitted = first.columns.first?.count ?? 0
  }

  /// All rows, those of the first file marked to be fitted, those of the second to be measured.
  func table() throws -> TrainingTable {
    let features = columns.dropLast().map { Self.numbers($0) ?? Self.categories($0) }
    let outcomes = columns.last ?? []
    return try TrainingTable(
      names: Array(names.dropLast()),
      kinds: features.map { if case .numeric = $0 { .continuous } else { .categorical } }, columns: features,
      outcomes: outcomes.map { $0 == "1" ? 1 : 0 },
      attributes: RowAttributes(splits: outcomes.indices.map { $0 < fitted ? .train : .validation }))
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
