package import RowFormats

/// How a file is read whose schema is to be inferred.
package struct InferenceOptions: Sendable {
  /// The formats of a file.
  package enum Format: Sendable, Hashable {
    /// CSV with this field separator, or with the one that its header line uses most.
    case csv(delimiter: UInt8?)
    /// NDJSON.
    case ndjson
  }

  /// The format of the file.
  package var format: Format
  /// The name of the dataset that is described.
  package var name: String
  /// The column with the outcome.
  package var label: String
  /// The texts that mean a missing value, beside the empty one. Spaces around them are insignificant.
  package var missing: Set<String>
  /// Whether numbers have a decimal comma instead of a point.
  package var hasDecimalComma: Bool
  /// Whether spaces around the names of columns are removed.
  package var trimsNames: Bool
  /// Whether categorical features get the closed list of the categories that the file has.
  package var closesCategories: Bool

  /// The largest number of columns beside the label: as many features as a dataset may have.
  package static let columns = 2_000

  /// Creates options; see the properties.
  package init(
    format: Format, name: String = "dataset", label: String, missing: Set<String> = [],
    hasDecimalComma: Bool = false, trimsNames: Bool = false, closesCategories: Bool = false
  ) {
    self.format = format
    self.name = name
    self.label = label.normalized
    self.missing = missing
    self.hasDecimalComma = hasDecimalComma
    self.trimsNames = trimsNames
    self.closesCategories = closesCategories
  }
}
