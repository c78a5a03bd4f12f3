extension RowWriter {
  /// Appends the features as an object, `{"age":39,"job":null}`; every feature is named.
  public func appendFeatures(numbers: [Double?], categories: [String?], to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "{"))
    for (index, feature) in schema.features.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      bytes.append(contentsOf: jsonNames[index])
      switch value(of: feature, numbers, categories) {
      case .missing: bytes.append(contentsOf: "null".utf8)
      case .number(let number): appendNumber(number, to: &bytes)
      case .category(let category): appendJSONString(category.utf8, to: &bytes)
      }
    }
    bytes.append(UInt8(ascii: "}"))
  }

  /// Appends the row as the object that posting takes, `{"features":{…},"label":1,"key":"a"}`.
  public func appendJSON(_ row: Row, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: #"{"features":"#.utf8)
    appendFeatures(numbers: row.numbers, categories: row.categories, to: &bytes)
    bytes.append(contentsOf: (row.outcome == 1 ? #","label":1"# : #","label":0"#).utf8)
    if let key = row.key {
      bytes.append(contentsOf: #","key":"#.utf8)
      appendJSONString(key.utf8, to: &bytes)
    }
    bytes.append(UInt8(ascii: "}"))
  }

  /// Appends the row as a line of NDJSON.
  public func appendNDJSON(_ row: Row, to bytes: inout [UInt8]) {
    appendJSON(row, to: &bytes)
    bytes.append(UInt8(ascii: "\n"))
  }
}
