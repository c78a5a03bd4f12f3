/// The distribution of a feature in labelled rows, of all and by outcome.
public struct FeatureProfile: Sendable, Codable, Hashable {
  /// The distribution of the values of some rows.
  public struct Summary: Sendable, Codable, Hashable {
    /// The number of rows with a value.
    public var count: Int
    /// The number of rows without one.
    public var missing: Int
    /// The number of different values.
    public var distinct: Int
    /// The distribution of numbers; `nil` for categories, and without a value.
    public var numbers: Numbers?
  }

  /// The distribution of numbers.
  public struct Numbers: Sendable, Codable, Hashable {
    /// The smallest number.
    public var minimum: Double
    /// The largest number.
    public var maximum: Double
    /// The arithmetic mean.
    public var mean: Double
    /// The sample standard deviation, with the divisor n − 1; `nil` for one number.
    public var deviation: Double?
    /// The quantiles at ``probabilities``: h = (n − 1)·p, linear between the values at ⌊h⌋ and ⌊h⌋ + 1 (Hyndman and Fan, "Sample
    /// quantiles in statistical packages", 1996, type 7; the default of NumPy and R).
    public var quantiles: [Double]

    /// The probabilities of the quantiles.
    public static let probabilities = [0.05, 0.25, 0.5, 0.75, 0.95]
  }

  /// The number of rows between consecutive edges. A bin has its lower edge, and the last bin its upper one, too.
  public struct Histogram: Sendable, Codable, Hashable {
    /// The edges, one more than bins, ascending.
    public var edges: [Double]
    /// The rows of each bin with outcome 1.
    public var positives: [Int]
    /// The rows of each bin with outcome 0.
    public var negatives: [Int]

    /// The largest number of bins.
    public static let bins = 20
  }

  /// The most frequent categories.
  public struct Categories: Sendable, Codable, Hashable {
    /// A category with its rows.
    public struct Category: Sendable, Codable, Hashable {
      /// The category.
      public var value: String
      /// The rows with outcome 1.
      public var positives: Int
      /// The rows with outcome 0.
      public var negatives: Int

      var count: Int { positives + negatives }
    }

    /// The categories, the most frequent first; in the order of their texts where they are equally frequent.
    public var top: [Category]
    /// The number of other categories.
    public var others: Int
    /// The rows of other categories with outcome 1.
    public var otherPositives: Int
    /// The rows of other categories with outcome 0.
    public var otherNegatives: Int

    /// The largest number of listed categories.
    public static let most = 50
  }

  /// The name.
  public var name: String
  /// The kind.
  public var kind: ColumnKind
  /// The values of all rows.
  public var all: Summary
  /// The values of the rows with outcome 1.
  public var positives: Summary
  /// The values of the rows with outcome 0.
  public var negatives: Summary
  /// The histogram of numbers; `nil` for categories, and without a value.
  public var histogram: Histogram?
  /// The most frequent categories; `nil` for numbers.
  public var categories: Categories?
}
