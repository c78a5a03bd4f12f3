extension RowWriter {
  /// Appends the header line: the features, the label, and the column for keys unless `keyColumn` is nil.
  public func appendCSVHeader(keyColumn: String? = nil, to bytes: inout [UInt8]) {
    for feature in schema.features {
      bytes.append(csvField: feature.name.utf8)
      bytes.append(UInt8(ascii: ","))
    }
    bytes.append(csvField: schema.labelName.utf8)
    if let keyColumn {
      bytes.append(UInt8(ascii: ","))
      bytes.append(csvField: keyColumn.utf8)
    }
    bytes.append(contentsOf: "\r\n".utf8)
  }

  /// Appends the row as a record (RFC 4180). A missing value is an empty field.
  ///
  /// - Parameters:
  ///   - row: the row.
  ///   - hasKey: whether the header has a column for keys.
  ///   - bytes: receives the record.
  @inlinable
  public func appendCSVRecord(_ row: borrowing some WritableRow, hasKey: Bool, to bytes: inout [UInt8]) {
    for feature in schema.features {
      switch feature.type {
      case .continuous, .discrete:
        if let number = row.number(feature.slot), number.isFinite { bytes.append(number: number) }
      case .categorical:
        if let category = row.category(feature.slot) { bytes.append(csvField: category) }
      }
      bytes.append(UInt8(ascii: ","))
    }
    bytes.append(csvField: outcomeName(row.outcome).utf8)
    if hasKey {
      bytes.append(UInt8(ascii: ","))
      if let key = row.keyText { bytes.append(csvField: key) }
    }
    bytes.append(contentsOf: "\r\n".utf8)
  }

  /// The outcome in the form that the CSV reader accepts. The schema knows the positive name only; the reader takes any
  /// other name for outcome 0.
  @usableFromInline
  func outcomeName(_ outcome: UInt8) -> String {
    guard let positive = schema.positive else { return outcome == 1 ? "1" : "0" }
    if outcome == 1 { return positive }
    return positive == "0" ? "1" : "0"
  }
}
