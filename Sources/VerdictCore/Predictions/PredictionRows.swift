import Foundation
import PostgreSQL

/// Predictions as the parameter of an INSERT: an array of ``PredictionColumn/rowType`` in its binary form.
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

  /// All rows of some answers.
  ///
  /// - Parameter type: the OID of ``PredictionColumn/rowType``.
  init(_ all: [PredictionAnswers], type: UInt32) throws {
    var rows: [RowReference] = []
    for (index, answers) in all.enumerated() {
      for row in 0..<answers.count { rows.append(try Self.reference(answers, index, row)) }
    }
    self.init(rows, all, type)
  }

  /// The rows of `answers` from `first` on, at least one, up to about `size` bytes.
  init(_ answers: PredictionAnswers, from first: Int, size: Int, type: UInt32) throws {
    var rows: [RowReference] = []
    var total = 0
    var row = first
    repeat {
      rows.append(try Self.reference(answers, 0, row))
      total += rows[rows.count - 1].size
      row += 1
    } while row < answers.count && total < size
    self.init(rows, [answers], type)
  }

  private init(_ rows: [RowReference], _ all: [PredictionAnswers], _ type: UInt32) {
    count = rows.count
    var writer = RowArrayWriter(size: rows.reduce(RowArrayWriter.arrayHeader) { $0 + 4 + $1.size })
    writer.arrayHeader(of: type, count: count, hasNull: false)
    let columns = PredictionColumn.rowColumns.count
    for row in rows {
      let answers = all[row.answers]
      writer.record(size: row.size, columns: columns)
      PredictionColumn.forEachRowColumn {
        $0.write(answers, row: row.row, warnings: row.warnings, to: &writer)
      }
    }
    bytes = writer.bytes
  }

  func encode(into bytes: inout [UInt8]) { bytes.append(contentsOf: self.bytes) }

  private static func reference(_ answers: PredictionAnswers, _ index: Int, _ row: Int) throws -> RowReference
  {
    let warnings = try answers.warnings(of: row).map { try JSONB($0).bytes }
    // The number of columns, then the type, the length and the value of each.
    var size = 4
    PredictionColumn.forEachRowColumn { size += 8 + $0.size(of: answers, row: row, warnings: warnings) }
    return RowReference(answers: index, row: row, warnings: warnings, size: size)
  }
}
