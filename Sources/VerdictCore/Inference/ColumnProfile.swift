package import RowFormats

/// The profile of a column: its values, and its use in the dataset.
package struct ColumnProfile: Sendable {
  /// The uses of a column.
  package enum Role: String, Sendable, CaseIterable {
    /// The column is a feature.
    case feature
    /// The column is the outcome.
    case label
    /// The dataset has no place for the column.
    case ignored
  }

  /// A value with the number of its rows.
  package struct Frequency: Sendable, Hashable {
    /// The value, spelled as categories are stored.
    package var value: String
    /// The number of rows.
    package var count: Int
  }

  /// The distribution of numbers.
  package struct Numbers: Sendable, Hashable {
    /// The smallest number.
    package var minimum: Double
    /// The largest number.
    package var maximum: Double
    /// The arithmetic mean.
    package var mean: Double
    /// The quantiles at ``probabilities``, interpolated linearly between two values (Hyndman and Fan, type 7).
    package var quantiles: [Double]

    /// The probabilities of the quantiles.
    package static let probabilities = [0.05, 0.25, 0.5, 0.75, 0.95]
  }

  /// The name in the file.
  package var name: String
  /// The use of the column.
  package var role: Role
  /// The type of the feature; `nil` for other columns.
  package var type: FeatureType?
  /// Why the column has this use and type.
  package var reason: String
  /// The number of rows with a value.
  package var count: Int
  /// The number of rows without a value.
  package var missing: Int
  /// The number of different values, or a lower bound of it.
  package var distinct: Int
  /// Whether ``distinct`` is exact. Beyond ``ColumnSample/distinctLimit`` values it is a lower bound.
  package var isDistinctExact: Bool
  /// The distribution of the numbers of a continuous or discrete feature.
  package var numbers: Numbers?
  /// The most frequent values of other columns, at most ten.
  package var top: [Frequency]
  /// Remarks about the column.
  package var warnings: [InferredSchema.Warning]
}
