import RowFormats
import VerdictCore

/// The query parameters that describe a CSV body.
enum CSVOptions {
  /// The parameters of the dialect of a body with or without labels.
  private static let dialect: Set<String> = ["delimiter", "ignore", "missing", "decimal", "trim"]
  /// The parameters of a body without labels.
  static let predictions = dialect.union(CaseAttribute.ofPredictions.map(parameter))
  /// The parameters of a body with labels.
  static let labelled = dialect.union(["key_column", "keep"]).union(CaseAttribute.allCases.map(parameter))

  private static func parameter(_ attribute: CaseAttribute) -> String { attribute.rawValue + "_column" }

  /// The dialect and the columns of a body with labels.
  ///
  /// - Throws: ``Problem`` of kind `invalid-parameter`, also where a parameter takes the label's column for something else.
  static func labels(_ query: QueryParameters, of dataset: Dataset) throws -> CSVFormat {
    let format = try format(query, of: dataset)
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
  static func format(_ query: QueryParameters, of dataset: Dataset) throws -> CSVFormat {
    var format = CSVFormat()
    format.usualColumns = dataset.settings.columns?.byAttribute ?? [:]
    if let text = query["delimiter"] { format.delimiter = try delimiter(text) }
    format.missing = try missing(query)
    format.hasDecimalComma = try hasDecimalComma(query, delimiter: format.delimiter)
    format.trimsNames = try query.bool("trim") ?? false
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
    try readAttributes(query, dataset, into: &format)
    return format
  }

  /// A column that has two meanings would lose one of them in silence.
  private static func readAttributes(
    _ query: QueryParameters, _ dataset: Dataset, into format: inout CSVFormat
  ) throws {
    for attribute in CaseAttribute.allCases {
      let parameter = parameter(attribute)
      guard let name = try query.text(parameter, atMost: 128)?.normalized else { continue }
      if name.isEmpty { throw QueryParameters.refusal(parameter, "must name a column") }
      if name == dataset.label.name {
        throw QueryParameters.refusal(parameter, "names the column of the label")
      }
      if dataset.features.contains(where: { $0.name == name }) {
        throw QueryParameters.refusal(parameter, "names the column of a feature")
      }
      if name == format.keyColumn || format.attributeColumns.values.contains(name) {
        throw QueryParameters.refusal(parameter, "names a column that another parameter names, too")
      }
      if format.ignoredColumns.contains(where: { $0.normalized == name }) {
        throw QueryParameters.refusal("ignore", "names the column of \(parameter)")
      }
      format.attributeColumns[attribute] = name
    }
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

  /// The texts that mean a missing value, trimmed and in normalization form C.
  ///
  /// - Throws: ``Problem`` of kind `invalid-parameter` for more than a hundred.
  static func missing(_ query: QueryParameters) throws -> Set<String> {
    guard let text = try query.text("missing", atMost: 600) else { return [] }
    let texts = text.split(separator: ",").map { String($0).trimmingSpaces.normalized }
    guard texts.count <= 100 else { throw QueryParameters.refusal("missing", "must have at most 100 texts") }
    return Set(texts).subtracting([""])
  }

  /// Whether numbers have a decimal comma.
  ///
  /// - Parameter delimiter: the separator of fields; `nil` if it is detected, which never takes the decimal separator for it.
  /// - Throws: ``Problem`` of kind `invalid-parameter` for another separator, and for one that separates fields, too.
  static func hasDecimalComma(_ query: QueryParameters, delimiter: UInt8?) throws -> Bool {
    switch query["decimal"] {
    case nil, ".": return false
    case ",":
      guard delimiter != UInt8(ascii: ",") else {
        throw QueryParameters.refusal("delimiter", "must be given with a decimal comma, and differ from it")
      }
      return true
    default: throw QueryParameters.refusal("decimal", "must be a point or a comma")
    }
  }
}
