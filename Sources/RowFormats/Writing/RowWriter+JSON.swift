extension RowWriter {
  /// Appends the features as an object, `{"age":39,"job":null}`; every feature is named.
  public func appendFeatures(numbers: [Double?], categories: [String?], to bytes: inout [UInt8]) {
    appendFeatures(Row(numbers: numbers, categories: categories, outcome: 0), to: &bytes)
  }

  public func appendFeatures(_ row: borrowing some WritableRow, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "{"))
    for (index, feature) in schema.features.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      bytes.append(contentsOf: jsonNames[index])
      switch feature.type {
      case .continuous, .discrete:
        if let number = row.number(feature.slot), number.isFinite {
          appendNumber(number, to: &bytes)
        } else {
          bytes.append(contentsOf: "null".utf8)
        }
      case .categorical:
        if let category = row.category(feature.slot) {
          appendJSONString(category, to: &bytes)
        } else {
          bytes.append(contentsOf: "null".utf8)
        }
      }
    }
    bytes.append(UInt8(ascii: "}"))
  }

  /// Appends the row as the object that posting takes, `{"features":{…},"label":1,"key":"a"}`.
  public func appendJSON(_ row: Row, to bytes: inout [UInt8]) { appendJSONObject(row, to: &bytes) }

  public func appendJSONObject(_ row: borrowing some WritableRow, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: #"{"features":"#.utf8)
    appendFeatures(row, to: &bytes)
    bytes.append(contentsOf: (row.outcome == 1 ? #","label":1"# : #","label":0"#).utf8)
    if let key = row.keyText {
      bytes.append(contentsOf: #","key":"#.utf8)
      appendJSONString(key, to: &bytes)
    }
    bytes.append(UInt8(ascii: "}"))
  }

  /// Appends the row as a line of NDJSON.
  public func appendNDJSON(_ row: Row, to bytes: inout [UInt8]) { appendLine(row, to: &bytes) }

  public func appendLine(_ row: borrowing some WritableRow, to bytes: inout [UInt8]) {
    appendJSONObject(row, to: &bytes)
    bytes.append(UInt8(ascii: "\n"))
  }
}
