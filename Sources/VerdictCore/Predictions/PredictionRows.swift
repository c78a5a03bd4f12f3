import Foundation
import PostgreSQL

/// Answers as a `prediction_row[]` in its binary form.
struct PredictionRows: PostgresEncodable {
  /// The type is the database's own: the statement says it, and the server infers it from there.
  static var postgresType: PostgresType { PostgresType(rawValue: 0) }

  /// A row: which of the answers', and what was remarked on it.
  private struct EncodedRow {
    var answers: Int
    var row: Int
    var warnings: Data?
    var size: Int
  }

  private let bytes: [UInt8]
  /// How many rows there are.
  let count: Int

  /// All rows of some answers.
  ///
  /// - Parameter type: the OID of `prediction_row`.
  init(_ all: [PredictionAnswers], type: UInt32) throws {
    var rows: [EncodedRow] = []
    for (index, answers) in all.enumerated() {
      for row in 0..<answers.count { rows.append(try Self.place(answers, index, row)) }
    }
    self.init(rows, all, type)
  }

  /// The rows of `answers` from `first` on, until about `size` bytes have come together; at least one.
  init(_ answers: PredictionAnswers, from first: Int, size: Int, type: UInt32) throws {
    var rows: [EncodedRow] = []
    var total = 0
    var row = first
    repeat {
      rows.append(try Self.place(answers, 0, row))
      total += rows[rows.count - 1].size
      row += 1
    } while row < answers.count && total < size
    self.init(rows, [answers], type)
  }

  private init(_ rows: [EncodedRow], _ all: [PredictionAnswers], _ type: UInt32) {
    count = rows.count
    var writer = RowArrayWriter(size: rows.reduce(RowArrayWriter.arrayHeader) { $0 + 4 + $1.size })
    writer.arrayHeader(of: type, count: count, hasNull: false)
    for place in rows {
      let answers = all[place.answers]
      writer.record(size: place.size, columns: 6)
      writer.column(.uuid, 16)
      withUnsafeBytes(of: answers.ids[place.row].uuid) { for byte in $0 { writer.integer(byte) } }
      writer.column(.bool, 1)
      writer.integer(UInt8(answers.label(place.row) ? 1 : 0))
      writer.column(.float8, 8)
      writer.integer(answers.probabilities[place.row].bitPattern)
      writer.values(answers.rows, place.row)
      if let warnings = place.warnings {
        writer.column(.jsonb, 1 + warnings.count)
        // The version of jsonb's binary form.
        writer.integer(UInt8(1))
        for byte in warnings { writer.integer(byte) }
      } else {
        writer.null(.jsonb)
      }
    }
    bytes = writer.bytes
  }

  func encode(into bytes: inout [UInt8]) { bytes.append(contentsOf: self.bytes) }

  private static func place(_ answers: PredictionAnswers, _ index: Int, _ row: Int) throws -> EncodedRow {
    let warnings = try answers.warnings[row].map { try JSONB($0).bytes }
    // The number of columns, their types and lengths, and their values.
    let size =
      4 + 6 * 8 + 16 + 1 + 8 + RowArrayWriter.valuesSize(answers.rows, row)
      + (warnings.map { 1 + $0.count } ?? 0)
    return EncodedRow(answers: index, row: row, warnings: warnings, size: size)
  }
}
