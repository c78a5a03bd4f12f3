/// How a CSV file's columns are to be understood, beyond what the dataset's schema says.
package struct CSVFormat: Sendable, Hashable {
  /// Keeps only the rows whose column has exactly this value.
  package struct Filter: Sendable, Hashable {
    /// Name of the column; it need not be a feature.
    package var column: String
    /// The value that a row must have there.
    package var value: String

    /// Keeps the rows whose `column` is `value`.
    package init(column: String, value: String) {
      self.column = column
      self.value = value
    }
  }

  /// What separates fields: a single ASCII character other than a quote or a line break.
  package var delimiter: UInt8
  /// Columns that are neither features nor label and are to be passed over. Any other unknown column is a problem,
  /// so that a slip in a name does not silently drop a feature.
  package var ignoredColumns: Set<String>
  /// The column with the rows' own keys, which must be there; `nil` for `RowSchema.keyColumn`, if it is.
  package var keyColumn: String?
  /// Which rows to keep; all that match every filter.
  package var filters: [Filter]

  /// A comma-separated file of features and label, unless said otherwise.
  package init(
    delimiter: UInt8 = UInt8(ascii: ","), ignoredColumns: Set<String> = [], keyColumn: String? = nil,
    filters: [Filter] = []
  ) {
    self.delimiter = delimiter
    self.ignoredColumns = ignoredColumns
    self.keyColumn = keyColumn
    self.filters = filters
  }
}
