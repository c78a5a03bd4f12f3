import RowFormats
import VerdictCore

/// The query parameters that describe a CSV body.
enum CSVOptions {
  /// The dialect and the columns of a body with labels.
  ///
  /// - Throws: ``Problem`` of kind `invalid-parameter`, also where a parameter takes the label's column for something else.
  static func labels(_ query: QueryParameters, of dataset: Dataset) throws -> CSVFormat {
    let format = try format(query)
    if format.ignoredColumns.contains(dataset.label.name) {
      throw QueryParameters.refusal("ignore", "names the column of the label, which every row needs")
    }
    if format.keyColumn == dataset.label.name {
      throw QueryParameters.refusal("key_column", "names the column of the label")
    }
    if let keys = format.keyColumn, format.ignoredColumns.contains(keys) {
      throw QueryParameters.refusal("ignore", "names the column of the keys")
    }
    return format
  }

  /// The dialect and the columns of a body without labels.
  ///
  /// - Throws: ``Problem`` of kind `invalid-parameter`.
  static func format(_ query: QueryParameters) throws -> CSVFormat {
    var format = CSVFormat()
    if let text = query["delimiter"] { format.delimiter = try delimiter(text) }
    if let ignored = try query.text("ignore", atMost: 4_000) {
      format.ignoredColumns = Set(
        ignored.split(separator: ",", omittingEmptySubsequences: false).map(String.init))
    }
    format.keyColumn = try query.text("key_column", atMost: 128)
    if format.keyColumn?.isEmpty == true { throw QueryParameters.refusal("key_column", "must name a column") }
    if let keep = try query.text("keep", atMost: 1_200) {
      guard let equals = keep.firstIndex(of: "="), equals > keep.startIndex else {
        throw QueryParameters.refusal("keep", "must be column=value")
      }
      let value = String(keep[keep.index(after: equals)...])
      format.filters = [CSVFormat.Filter(column: String(keep[..<equals]), value: value)]
    }
    return format
  }

  /// The separator that a parameter names.
  ///
  /// - Throws: ``Problem`` of kind `invalid-parameter`.
  static func delimiter(_ text: String) throws -> UInt8 {
    if text == "\\t" || text == "tab" { return UInt8(ascii: "\t") }
    guard text.utf8.count == 1, let byte = text.utf8.first,
      !"\"\r\n".utf8.contains(byte), byte == UInt8(ascii: "\t") || (0x20..<0x7F).contains(byte)
    else { throw QueryParameters.refusal("delimiter", "must be one ASCII character, \\t or tab") }
    return byte
  }
}
