import CSimdJSON

/// The meaning of each column of a CSV file, from its header line.
struct CSVHeader {
  enum Column {
    case feature(UInt32)
    case label
    case key
    case attribute(vj_attribute)
    case ignored
  }

  /// The columns in the order of the file.
  let columns: [Column]
  /// The values that columns must have for a row to be kept.
  private let filters: [(column: Int, value: [UInt8])]
  /// Whether no field means a missing value but an empty one.
  private let hasPlainFields: Bool
  private let missing: CSVMissingTexts
  /// Whether the numbers of features have a decimal comma.
  let hasDecimalComma: Bool

  /// Resolves the names of a header line.
  ///
  /// - Parameter labelled: whether the rows have labels and keys; without them, the header has no column for either.
  /// - Throws: every problem of the header at once.
  init(
    names: [[UInt8]], schema: RowSchema, format: CSVFormat, labelled: Bool = true
  ) throws(InputProblems) {
    var problems: [InputProblem] = []
    func refuse(_ name: String, _ detail: String) {
      problems.append(InputProblem(line: 1, column: name, detail: detail))
    }
    let filtered = Set(format.filters.map(\.column.normalized))
    let ignored = Set(format.ignoredColumns.map(\.normalized))
    let label = Array(schema.labelName.utf8)
    let key = Array((format.keyColumn ?? schema.keyColumn).normalized.utf8)
    let attributes = Self.attributes(schema, format, labelled: labelled, unless: ignored.union(filtered))
    var positions: [[UInt8]: Int] = [:]
    var columns: [Column] = []
    for (position, given) in names.enumerated() {
      let spelling = String(decoding: given, as: UTF8.self).normalized
      let name = format.trimsNames ? spelling.trimmingSpaces : spelling
      let bytes = Array(name.utf8)
      if positions.updateValue(position, forKey: bytes) != nil {
        refuse(name, "the header names this column twice")
      }
      if labelled, bytes == label {
        columns.append(.label)
      } else if labelled, bytes == key, format.keyColumn != nil || !ignored.contains(name) {
        columns.append(.key)
      } else if let attribute = attributes[bytes] {
        columns.append(.attribute(attribute.code))
      } else if ignored.contains(name) {
        columns.append(.ignored)
      } else if let feature = schema.compiled.index(of: bytes) {
        columns.append(.feature(feature))
      } else {
        columns.append(.ignored)
        if !filtered.contains(name) {
          refuse(name, "the dataset has no such feature, and the column is not ignored")
        }
      }
    }
    var filters: [(column: Int, value: [UInt8])] = []
    for filter in format.filters {
      if let position = positions[Array(filter.column.normalized.utf8)] {
        filters.append((position, Array(filter.value.normalized.utf8)))
      } else {
        refuse(filter.column, "rows are to be filtered by this column, but the header does not name it")
      }
    }
    let named = format.attributeColumns.values.map(\.normalized).sorted()
    for required in (labelled ? [schema.labelName, format.keyColumn?.normalized].compactMap({ $0 }) : [])
      + named
    where positions[Array(required.utf8)] == nil {
      refuse(required, "the header does not name this column")
    }
    guard problems.isEmpty else {
      throw InputProblems(Array(problems.prefix(InputProblems.most)), count: problems.count)
    }
    self.columns = columns
    self.filters = filters
    missing = CSVMissingTexts(format.missing)
    hasPlainFields = missing.isEmpty
    hasDecimalComma = format.hasDecimalComma
  }

  /// The attributes by the names of their columns.
  ///
  /// - Parameter taken: the names that no column has by default, because the caller says otherwise of them.
  private static func attributes(
    _ schema: RowSchema, _ format: CSVFormat, labelled: Bool, unless taken: Set<String>
  ) -> [[UInt8]: CaseAttribute] {
    var attributes: [[UInt8]: CaseAttribute] = [:]
    for attribute in labelled ? CaseAttribute.allCases : CaseAttribute.ofPredictions {
      var name = format.attributeColumns[attribute]?.normalized
      if name == nil {
        name = format.usualColumns[attribute]?.normalized ?? schema.column(of: attribute)
        if let usual = name, taken.contains(usual) { name = nil }
      }
      if let name { attributes[Array(name.utf8)] = attribute }
    }
    return attributes
  }

  /// Resolves the names of the record that is the header line.
  ///
  /// - Throws: ``SyntaxProblem`` if it is not UTF-8; ``InputProblems`` with every problem of the names.
  init(
    _ record: CSVRecord, of text: [UInt8], line: Int, schema: RowSchema, format: CSVFormat,
    labelled: Bool = true
  ) throws {
    guard record.invalidField == nil else { throw SyntaxProblem(.invalidUTF8, line: line) }
    try self.init(names: record.allBytes(in: text), schema: schema, format: format, labelled: labelled)
  }

  /// A field of a column as it is read: an empty one if its text means a missing value. The label is never missing.
  @inline(__always)
  func read(_ field: UnsafeBufferPointer<UInt8>, of column: Column) -> UnsafeBufferPointer<UInt8> {
    hasPlainFields ? field : withoutMissingText(field, column)
  }

  private func withoutMissingText(
    _ field: UnsafeBufferPointer<UInt8>, _ column: Column
  ) -> UnsafeBufferPointer<UInt8> {
    if case .label = column { return field }
    return missing.contains(field) ? UnsafeBufferPointer(rebasing: field[..<field.startIndex]) : field
  }

  /// Why a record cannot be read as a row, if it cannot.
  ///
  /// Fields of features, labels and keys that are not UTF-8 are problems of their columns instead.
  func objection(to record: CSVRecord) -> String? {
    guard record.fields.count == columns.count else {
      return "the line has \(record.fields.count) fields, the header \(columns.count)"
    }
    guard let invalid = record.invalidField, case .ignored = columns[invalid] else { return nil }
    return "field \(invalid + 1) is not valid UTF-8"
  }

  /// Whether a record matches every filter; one that is too short to tell does.
  func keeps(_ record: CSVRecord, of text: [UInt8]) -> Bool {
    filters.allSatisfy { filter in
      guard filter.column < record.fields.count else { return true }
      let value = record.bytes(of: record.fields[filter.column], in: text)
      return value == filter.value
        || (value.contains { $0 >= 0x80 }
          && Array(String(decoding: value, as: UTF8.self).normalized.utf8) == filter.value)
    }
  }
}
