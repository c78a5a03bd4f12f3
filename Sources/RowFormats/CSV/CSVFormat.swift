import CSimdJSON

/// The dialect of a CSV file and the meaning of its columns, beyond the schema of the rows.
public struct CSVFormat: Sendable, Hashable {
  /// A condition on a column: only rows with exactly this value are kept.
  public struct Filter: Sendable, Hashable {
    /// The name of the column; it need not be a feature.
    public var column: String
    /// The value that a row must have there.
    public var value: String

    /// Keeps the rows whose `column` is `value`.
    public init(column: String, value: String) {
      self.column = column
      self.value = value
    }
  }

  /// The field separator: a single ASCII character other than a quote or a line break.
  public var delimiter: UInt8
  /// The columns to skip that are neither features nor the label. Any other unknown column is an error, so that a
  /// misspelt name does not silently drop a feature.
  public var ignoredColumns: Set<String>
  /// The column with the keys of the rows, which the header must name. `nil` selects ``RowSchema/keyColumn``, which is
  /// optional.
  public var keyColumn: String?
  /// The columns with attributes of the rows, which the header must name.
  public var attributeColumns: [CaseAttribute: String]
  /// The columns with attributes where ``attributeColumns`` names none, which the header may leave out. An attribute that is in
  /// neither has its column in ``RowSchema/column(of:)``, unless that is ignored or filtered.
  public var usualColumns: [CaseAttribute: String]
  /// The rows to keep: those that match every filter.
  public var filters: [Filter]
  /// The texts that mean a missing value in every column but the label's, beside the empty one. Spaces and tabs around them are
  /// insignificant.
  public var missing: Set<String>
  /// Whether the numbers of features have a decimal comma. One with a point is then an error.
  public var hasDecimalComma: Bool
  /// Whether spaces and tabs around the names of the header line are removed.
  public var trimsNames: Bool

  /// Creates a format; without arguments, comma-separated columns of features, label and optional keys.
  public init(
    delimiter: UInt8 = UInt8(ascii: ","), ignoredColumns: Set<String> = [], keyColumn: String? = nil,
    filters: [Filter] = [], attributeColumns: [CaseAttribute: String] = [:],
    usualColumns: [CaseAttribute: String] = [:],
    missing: Set<String> = [], hasDecimalComma: Bool = false,
    trimsNames: Bool = false
  ) {
    self.delimiter = delimiter
    self.ignoredColumns = ignoredColumns
    self.keyColumn = keyColumn
    self.filters = filters
    self.attributeColumns = attributeColumns
    self.usualColumns = usualColumns
    self.missing = missing
    self.hasDecimalComma = hasDecimalComma
    self.trimsNames = trimsNames
  }

  /// The column that a problem is about; `nil` for the whole row.
  func column(of problem: vj_problem, _ name: String, in schema: RowSchema) -> String? {
    switch problem.location {
    case .VJ_AT_FEATURE: name
    case .VJ_AT_ROW_MEMBER: column(ofMember: name, in: schema)
    default: nil
    }
  }

  private func column(ofMember name: String, in schema: RowSchema) -> String {
    if name == "key" { return keyColumn ?? schema.keyColumn }
    guard let attribute = CaseAttribute(rawValue: name) else { return schema.labelName }
    return attributeColumns[attribute] ?? usualColumns[attribute] ?? schema.column(of: attribute)
  }
}
