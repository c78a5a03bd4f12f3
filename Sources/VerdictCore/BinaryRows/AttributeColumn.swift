import PostgreSQL
import RowFormats

/// A column of rows with an attribute that is no feature: its binary form in an array of records, and in COPY. The cases stand in the
/// order of the columns of `label_case`, of which `prediction_case` has the first three; a raw value is the name of the column.
enum AttributeColumn: String, CaseIterable {
  case occurredAt = "occurred_at"
  case group = "group_name"
  case reference
  case weight
  case split

  /// The microseconds from 1970-01-01 to 2000-01-01, from which PostgreSQL counts times (manual, “Date/Time Types”).
  static let epoch: Int64 = 946_684_800_000_000

  /// The columns of predictions.
  static let ofPredictions: [AttributeColumn] = [.occurredAt, .group, .reference]

  /// The names of all columns, for statements.
  static let names = allCases.map(\.rawValue).joined(separator: ", ")

  /// The attribute as RowFormats knows it.
  var attribute: CaseAttribute {
    switch self {
    case .occurredAt: .occurredAt
    case .group: .group
    case .reference: .reference
    case .weight: .weight
    case .split: .split
    }
  }

  private var type: PostgresType {
    switch self {
    case .occurredAt: .timestamptz
    case .group, .reference, .split: .text
    case .weight: .float8
    }
  }

  /// The bytes of a row's value; 0 for NULL, since no value is empty.
  func size(of attributes: CaseAttributes, _ row: Int) -> Int {
    switch self {
    case .occurredAt: attributes.time(row) == nil ? 0 : 8
    case .group: attributes.groups?.range(of: row)?.count ?? 0
    case .reference: attributes.references?.range(of: row)?.count ?? 0
    case .weight: attributes.weight(row) == nil ? 0 : 8
    case .split: attributes.split(row)?.rawValue.utf8.count ?? 0
    }
  }

  /// Writes a row's value as the column of a record, with its type.
  func writeRecord(_ attributes: CaseAttributes, _ row: Int, to writer: inout RowArrayWriter) {
    writer.integer(type.rawValue)
    writeCopy(attributes, row, to: &writer)
  }

  /// Writes a row's value as the column of a COPY row: its length, or that of NULL, and its bytes.
  func writeCopy(_ attributes: CaseAttributes, _ row: Int, to writer: inout RowArrayWriter) {
    let size = size(of: attributes, row)
    guard size > 0 else { return writer.integer(UInt32.max) }
    switch self {
    case .occurredAt:
      writer.integer(UInt32(8))
      writer.integer((attributes.time(row) ?? 0) - Self.epoch)
    case .group: if let groups = attributes.groups { writer.text(groups, row) }
    case .reference: if let references = attributes.references { writer.text(references, row) }
    case .weight:
      writer.integer(UInt32(8))
      writer.integer((attributes.weight(row) ?? 1).bitPattern)
    case .split:
      writer.integer(UInt32(size))
      if let split = attributes.split(row) { writer.bytes(split.rawValue.utf8) }
    }
  }
}
