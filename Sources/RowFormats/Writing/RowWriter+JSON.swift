extension RowWriter {
  /// Appends the row as a line of NDJSON.
  @inlinable
  public func appendNDJSONLine(_ row: borrowing some WritableRow, to bytes: inout [UInt8]) {
    appendJSONObject(row, to: &bytes)
    bytes.append(UInt8(ascii: "\n"))
  }

  /// Appends the row as an element of the `labels` array that ``JSONLabelReader`` reads:
  /// `{"features":{…},"label":1,"key":"a"}` with the attributes that the row has.
  @inlinable
  public func appendJSONObject(_ row: borrowing some WritableRow, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: #"{"features":"#.utf8)
    appendFeatures(row, to: &bytes)
    bytes.append(contentsOf: #","label":"#.utf8)
    bytes.append(contentsOf: jsonOutcomes[row.outcome == 1 ? 1 : 0])
    if let key = row.keyText {
      bytes.append(contentsOf: #","key":"#.utf8)
      bytes.append(jsonString: key)
    }
    row.appendAttributes(to: &bytes)
    bytes.append(UInt8(ascii: "}"))
  }

  /// Appends an object with a member for every feature; a missing value is `null`.
  @inlinable
  func appendFeatures(_ row: borrowing some WritableRow, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "{"))
    for (index, feature) in schema.features.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      bytes.append(contentsOf: jsonNames[index])
      switch feature.type {
      case .continuous, .discrete:
        if let number = row.number(feature.slot), number.isFinite {
          bytes.append(number: number)
        } else {
          bytes.append(contentsOf: "null".utf8)
        }
      case .categorical:
        if let category = row.category(feature.slot) {
          if CategorySpelling.mayChange(category) {
            bytes.append(jsonString: spelling(of: category, feature).utf8)
          } else {
            bytes.append(jsonString: category)
          }
        } else {
          bytes.append(contentsOf: "null".utf8)
        }
      }
    }
    bytes.append(UInt8(ascii: "}"))
  }
}
