extension RowWriter {
  /// Appends the header line: the features, the label, the column for keys unless `keyColumn` is nil, and those of `attributes`.
  public func appendCSVHeader(
    keyColumn: String? = nil, attributes: [CaseAttribute] = [], to bytes: inout [UInt8]
  ) {
    for feature in schema.features {
      bytes.append(csvField: feature.name.utf8)
      bytes.append(UInt8(ascii: ","))
    }
    bytes.append(csvField: schema.labelName.utf8)
    if let keyColumn {
      bytes.append(UInt8(ascii: ","))
      bytes.append(csvField: keyColumn.utf8)
    }
    for attribute in attributes {
      bytes.append(UInt8(ascii: ","))
      bytes.append(csvField: schema.column(of: attribute).utf8)
    }
    bytes.append(contentsOf: "\r\n".utf8)
  }

  /// Appends the row as a record (RFC 4180). A missing value is an empty field.
  ///
  /// - Parameters:
  ///   - row: the row.
  ///   - hasKey: whether the header has a column for keys.
  ///   - attributes: the attributes that the header has columns for.
  ///   - bytes: receives the record.
  @inlinable
  public func appendCSVRecord(
    _ row: borrowing some WritableRow, hasKey: Bool, attributes: [CaseAttribute] = [], to bytes: inout [UInt8]
  ) {
    for feature in schema.features {
      switch feature.type {
      case .continuous, .discrete:
        if let number = row.number(feature.slot), number.isFinite { bytes.append(number: number) }
      case .categorical:
        if let category = row.category(feature.slot) {
          if CategorySpelling.mayChange(category) {
            bytes.append(csvField: spelling(of: category, feature).utf8)
          } else {
            bytes.append(csvField: category)
          }
        }
      }
      bytes.append(UInt8(ascii: ","))
    }
    bytes.append(contentsOf: csvOutcomes[row.outcome == 1 ? 1 : 0])
    if hasKey {
      bytes.append(UInt8(ascii: ","))
      if let key = row.keyText { bytes.append(csvField: key) }
    }
    for attribute in attributes {
      bytes.append(UInt8(ascii: ","))
      row.append(attribute, to: &bytes)
    }
    bytes.append(contentsOf: "\r\n".utf8)
  }

  /// The spelling of a category that was stored before there was one for each.
  @usableFromInline
  func spelling(of category: some Collection<UInt8>, _ feature: Feature) -> String {
    CategorySpelling.canonical(String(decoding: category, as: UTF8.self), listed: feature.categories)
  }
}
