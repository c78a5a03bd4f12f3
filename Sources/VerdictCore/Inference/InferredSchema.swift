package import RowFormats

/// A dataset that fits a file, and the profile of the file's columns.
package struct InferredSchema: Sendable {
  /// The parameters with which the same file is posted as labels.
  package struct Upload: Sendable, Hashable {
    /// The parameter `delimiter`; `nil` for a comma.
    package var delimiter: String?
    /// The parameter `ignore`; `nil` where no column is ignored. Empty, it names the column without a name.
    package var ignore: String?
    /// The parameter `missing`; `nil` if no text means a missing value.
    package var missing: String?
    /// The parameter `decimal`; `nil` for a point.
    package var decimal: String?
    /// The parameter `trim`; `nil` where trimming changes no name.
    package var trim: Bool?
  }

  /// A remark about the file or about a column, with a stable kind.
  package struct Warning: Sendable, Hashable {
    /// The kinds of remarks.
    package enum Kind: String, Sendable, CaseIterable {
      /// Only the beginning of the file was read.
      case sampled
      /// The lines are objects of columns, which are not the lines that labels are posted as.
      case linesAreNotLabels = "lines_are_not_labels"
      /// Labels cannot be posted from the file as it is.
      case needsConversion = "needs_conversion"
      /// The column has no value.
      case allMissing = "all_missing"
      /// The column has one value only.
      case constant
      /// Nearly every row has a value of its own.
      case looksLikeIdentifier = "looks_like_identifier"
      /// The values are dates, which no type of feature understands.
      case date
      /// Most values are numbers.
      case mixedNumbers = "mixed_numbers"
      /// The values are numbers with a decimal comma.
      case decimalComma = "decimal_comma"
      /// Nothing but the numbers of rows tells which word is the positive outcome.
      case outcomeGuessed = "outcome_guessed"
      /// Rows have no outcome.
      case missingOutcome = "missing_outcome"
    }

    /// The kind.
    package var kind: Kind
    /// A sentence for people.
    package var detail: String
  }

  /// The name of the dataset.
  package var name: String
  /// The features, in the order of the file.
  package var features: [FeatureDeclaration]
  /// The outcome.
  package var label: LabelDefinition
  /// The parameters of an upload; `nil` if the file cannot be posted as it is.
  package var upload: Upload?
  /// The number of rows that were read.
  package var rows: Int
  /// Whether the file goes on after them.
  package var isSampled: Bool
  /// Remarks about the file.
  package var warnings: [Warning]
  /// The profiles of all columns, in the order of the file.
  package var columns: [ColumnProfile]
}
