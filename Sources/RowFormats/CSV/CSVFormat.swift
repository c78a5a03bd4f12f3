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
    filters: [Filter] = [], missing: Set<String> = [], hasDecimalComma: Bool = false,
    trimsNames: Bool = false
  ) {
    self.delimiter = delimiter
    self.ignoredColumns = ignoredColumns
    self.keyColumn = keyColumn
    self.filters = filters
    self.missing = missing
    self.hasDecimalComma = hasDecimalComma
    self.trimsNames = trimsNames
  }
}
