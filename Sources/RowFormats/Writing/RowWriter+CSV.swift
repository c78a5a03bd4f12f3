extension RowWriter {
  /// Appends the header line: the features, the label, and the key's column if there is to be one.
  public func appendCSVHeader(keyColumn: String? = nil, to bytes: inout [UInt8]) {
    for feature in schema.features {
      appendField(feature.name.utf8, to: &bytes)
      bytes.append(UInt8(ascii: ","))
    }
    appendField(schema.labelName.utf8, to: &bytes)
    if let keyColumn {
      bytes.append(UInt8(ascii: ","))
      appendField(keyColumn.utf8, to: &bytes)
    }
    bytes.append(contentsOf: "\r\n".utf8)
  }

  /// Appends the row as a record (RFC 4180) that fits the header with the same `hasKey`.
  ///
  /// A missing value is an empty field, the category with the empty name a quoted one.
  public func appendCSV(_ row: Row, hasKey: Bool = false, to bytes: inout [UInt8]) {
    appendRecord(row, hasKey: hasKey, to: &bytes)
  }

  public func appendRecord(_ row: borrowing some WritableRow, hasKey: Bool, to bytes: inout [UInt8]) {
    for feature in schema.features {
      switch feature.type {
      case .continuous, .discrete:
        if let number = row.number(feature.slot), number.isFinite { appendNumber(number, to: &bytes) }
      case .categorical:
        if let category = row.category(feature.slot) { appendField(category, to: &bytes) }
      }
      bytes.append(UInt8(ascii: ","))
    }
    appendField(outcomeName(row.outcome).utf8, to: &bytes)
    if hasKey {
      bytes.append(UInt8(ascii: ","))
      if let key = row.keyText { appendField(key, to: &bytes) }
    }
    bytes.append(contentsOf: "\r\n".utf8)
  }

  /// The outcome's name as the CSV reader takes it. Only the positive one's is known: any other name means 0.
  private func outcomeName(_ outcome: UInt8) -> String {
    guard let positive = schema.positive else { return outcome == 1 ? "1" : "0" }
    if outcome == 1 { return positive }
    return positive == "0" ? "1" : "0"
  }

  /// Appends a field, quoted where it must be.
  private func appendField(_ text: some Collection<UInt8>, to bytes: inout [UInt8]) {
    // At the beginning of a file, U+FEFF would be taken for a byte order mark.
    let needsQuotes =
      text.isEmpty || text.starts(with: [0xEF, 0xBB, 0xBF])
      || text.contains { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }
    guard needsQuotes else {
      bytes.append(contentsOf: text)
      return
    }
    bytes.append(UInt8(ascii: "\""))
    for byte in text {
      if byte == UInt8(ascii: "\"") { bytes.append(byte) }
      bytes.append(byte)
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
