/// A readable part of a model's log-odds: the effect of one feature, or of two features together.
public enum ModelTerm: Sendable, Hashable {
  /// The effect of one feature.
  case feature(FeatureTerm)
  /// The joint effect of two features, beside the effects of each.
  case pair(PairTerm)

  /// A bin, a group of categories or a region of a table that is shown as one.
  public struct Bin: Sendable, Hashable {
    /// The log-odds that it adds; of merged ones the mean over their training rows.
    public var value: Double
    /// The standard error of the value. Absent where it is not defined. Of merged ones the mean of their standard errors over their
    /// training rows, an upper bound: the standard deviation of a sum is at most the sum of the standard deviations, whatever the
    /// correlations are (Cauchy–Schwarz), and values of neighbouring bins are strongly correlated.
    public var standardError: Double?
    /// The training rows in it.
    public var rows: Int

    /// Creates a bin; see the properties.
    public init(value: Double, standardError: Double?, rows: Int) {
      self.value = value
      self.standardError = standardError
      self.rows = rows
    }

    /// The 97.5 % quantile of the standard normal distribution.
    public static let quantile = 1.959963984540054

    /// The lower end of the 95 % interval; absent without a standard error.
    public var lower: Double? { standardError.map { value - Self.quantile * $0 } }
    /// The upper end of the 95 % interval; absent without a standard error.
    public var upper: Double? { standardError.map { value + Self.quantile * $0 } }
  }

  /// The effect of a number in a linear model: slope · (x − mean).
  public struct Line: Sendable, Hashable {
    /// The log-odds a unit.
    public var slope: Double
    /// The standard error of the slope; absent where it is not defined.
    public var standardError: Double?
    /// The log-odds a standard deviation.
    public var standardized: Double
    /// The mean of the training values, at which the effect is 0; absent if there are none.
    public var mean: Double?
    /// The training rows that have a value.
    public var rows: Int

    /// The lower end of the slope's 95 % interval; absent without a standard error.
    public var lower: Double? { standardError.map { slope - Bin.quantile * $0 } }
    /// The upper end of the slope's 95 % interval; absent without a standard error.
    public var upper: Double? { standardError.map { slope + Bin.quantile * $0 } }
  }

  /// How the values of a feature fall into bins.
  public struct Axis: Sendable, Hashable {
    /// The feature's name.
    public var feature: String
    /// The feature's kind.
    public var kind: ColumnKind
    /// Of a number: the ascending edges between the bins, one fewer than there are bins. A value that equals an edge is in the bin above it.
    public var edges: [Double]?
    /// Of a categorical feature: the categories of each bin. Categories with few rows are together in the last one.
    public var categories: [[String]]?
    /// The index of missing values, the last one; absent without a bin for them. Used by pairs alone.
    public var missing: Int?
    /// The number of bins, the one for missing values included.
    public var count: Int
  }

  /// The effect of one feature.
  public struct FeatureTerm: Sendable, Hashable {
    /// The form of an effect.
    public enum Form: String, Sendable, Hashable, CaseIterable {
      /// A step function of a number.
      case steps
      /// A straight line.
      case line
      /// A value a category.
      case levels
    }

    /// The form.
    public var form: Form
    /// The feature and its bins. A line has no bins.
    public var axis: Axis
    /// The bins in the order of the axis, without the one for missing values. Each has at least the wanted number of rows; a feature with
    /// fewer rows altogether has no bins.
    public var bins: [Bin]
    /// The effect of a missing value; absent if there was none in training, or in too few rows.
    public var missing: Bin?
    /// The slope; absent of other forms, and where too few rows have a value.
    public var line: Line?
    /// Of a number: the smallest training value.
    public var minimum: Double?
    /// Of a number: the largest training value.
    public var maximum: Double?
    /// The smoothness λ; absent of linear models.
    public var smoothness: Double?
    /// The effective degrees of freedom; absent of linear models.
    public var degreesOfFreedom: Double?
    /// The mean of |effect| over the training rows; absent of lines, of which the model does not have it.
    public var importance: Double?
  }

  /// The joint effect of two features.
  public struct PairTerm: Sendable, Hashable {
    /// The axis of the table's rows.
    public var first: Axis
    /// The axis of the table's columns.
    public var second: Axis
    /// The region of each cell, `second.count` for each index of the first axis: an index of ``bins``. Neighbouring cells with few rows
    /// form a region. A table with too few rows altogether has no regions.
    public var regions: [Int]
    /// The regions. Each has at least the wanted number of rows.
    public var bins: [Bin]
    /// The smoothness λ.
    public var smoothness: Double?
    /// The effective degrees of freedom.
    public var degreesOfFreedom: Double?
    /// The mean of |effect| over the training rows.
    public var importance: Double
  }
}
