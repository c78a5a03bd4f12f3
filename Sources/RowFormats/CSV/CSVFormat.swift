/// How a CSV file's columns are to be understood, beyond what the dataset's schema says.
public struct CSVFormat: Sendable, Hashable {
  /// Keeps only the rows whose column has exactly this value.
  public struct Filter: Sendable, Hashable {
    /// Name of the column; it need not be a feature.
    public var column: String
    /// The value that a row must have there.
    public var value: String

    /// Keeps the rows whose `column` is `value`.
    public init(column: String, value: String) {
      self.column = column
      self.value = value
    }
  }

  /// What separates fields: a single ASCII character other than a quote or a line break.
  public var delimiter: UInt8
  /// Columns that are neither features nor label and are to be passed over. Any other unknown column is a problem,
  /// so that a slip in a name does not silently drop a feature.
  public var ignoredColumns: Set<String>
  /// The column with the rows' own keys, which must be there; `nil` for `RowSchema.keyColumn`, if it is.
  public var keyColumn: String?
  /// Which rows to keep; all that match every filter.
  public var filters: [Filter]

  /// A comma-separated file of features and label, unless said otherwise.
  public init(
    delimiter: UInt8 = UInt8(ascii: ","), ignoredColumns: Set<String> = [], keyColumn: String? = nil,
    filters: [Filter] = []
  ) {
    self.delimiter = delimiter
    self.ignoredColumns = ignoredColumns
    self.keyColumn = keyColumn
    self.filters = filters
  }
}
