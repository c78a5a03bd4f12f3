import Foundation
import PostgreSQL
import RowFormats

/// Predictions as the parameter of an INSERT: an array of ``PredictionColumn/rowType`` or, if they have attributes, of
/// ``PredictionColumn/caseType`` in its binary form.
struct PredictionRows: PostgresEncodable {
  /// The type is the database's own: the statement names it, and the server infers it from there.
  static var postgresType: PostgresType { PostgresType(rawValue: 0) }

  /// A row, by its index in one of the groups of answers, with its warnings as JSON and its size in bytes.
  private struct RowReference {
    var answers: Int
    var row: Int
    var warnings: Data?
    var size: Int
  }

  private let bytes: [UInt8]
  /// The number of rows.
  let count: Int
  /// Whether the rows have the columns of attributes.
  let hasAttributes: Bool

  /// The OIDs of the rows' types.
  struct Types {
    /// That of ``PredictionColumn/rowType``.
    var row: UInt32
    /// That of ``PredictionColumn/caseType``.
    var attributed: UInt32
  }

  /// All rows of some answers.
  init(_ all: [PredictionAnswers], types: Types) throws {
    let hasAttributes = all.contains { !$0.rows.attributes.isEmpty }
    var rows: [RowReference] = []
    for (index, answers) in all.enumerated() {
      for row in 0..<answers.count {
        rows.append(try Self.reference(answers, index, row, hasAttributes: hasAttributes))
      }
    }
    self.init(rows, all, types, hasAttributes: hasAttributes)
  }

  /// The rows of `answers` from `first` on, at least one, up to about `size` bytes.
  init(_ answers: PredictionAnswers, from first: Int, size: Int, types: Types) throws {
    let hasAttributes = !answers.rows.attributes.isEmpty
    var rows: [RowReference] = []
    var total = 0
    var row = first
    repeat {
      rows.append(try Self.reference(answers, 0, row, hasAttributes: hasAttributes))
      total += rows[rows.count - 1].size
      row += 1
    } while row < answers.count && total < size
    self.init(rows, [answers], types, hasAttributes: hasAttributes)
  }

  private init(
    _ rows: [RowReference], _ all: [PredictionAnswers], _ types: Types, hasAttributes: Bool
  ) {
    count = rows.count
    self.hasAttributes = hasAttributes
    var writer = RowArrayWriter(size: rows.reduce(RowArrayWriter.arrayHeader) { $0 + 4 + $1.size })
    writer.arrayHeader(of: hasAttributes ? types.attributed : types.row, count: count, hasNull: false)
    let attributes = hasAttributes ? AttributeColumn.ofPredictions : []
    let columns = PredictionColumn.rowColumns.count + attributes.count
    for row in rows {
      let answers = all[row.answers]
      writer.record(size: row.size, columns: columns)
      PredictionColumn.forEachRowColumn {
        $0.write(answers, row: row.row, warnings: row.warnings, to: &writer)
      }
      for column in attributes { column.writeRecord(answers.rows.attributes, row.row, to: &writer) }
    }
    bytes = writer.bytes
  }

  func encode(into bytes: inout [UInt8]) { bytes.append(contentsOf: self.bytes) }

  private static func reference(
    _ answers: PredictionAnswers, _ index: Int, _ row: Int, hasAttributes: Bool
  ) throws -> RowReference {
    let warnings = try answers.warnings(of: row).map { try JSONB($0).bytes }
    // The number of columns, then the type, the length and the value of each.
    var size = 4
    PredictionColumn.forEachRowColumn { size += 8 + $0.size(of: answers, row: row, warnings: warnings) }
    if hasAttributes {
      for column in AttributeColumn.ofPredictions {
        size += 8 + column.size(of: answers.rows.attributes, row)
      }
    }
    return RowReference(answers: index, row: row, warnings: warnings, size: size)
  }
}
