/// One feature of a model and what it adds to the log-odds.
public struct ModelFeature: Sendable, Codable, Hashable {
  /// Why a coefficient is what it is.
  public enum Status: String, Sendable, Codable, Hashable, CaseIterable {
    /// Fitted.
    case estimated
    /// 0, because the others of its feature are measured against it (penalty `none`).
    case reference
    /// 0, because it follows from other columns (penalty `none`).
    case collinear
    /// 0, because the column has one value only.
    case constant
  }

  /// One coefficient. Standard error, z and p are absent where they are not defined (see docs/learning.md).
  public struct Coefficient: Sendable, Codable, Hashable {
    /// On the scale of the feature's own values: log-odds a unit.
    public var value: Double
    /// On the standardised scale: log-odds a standard deviation (the same as `value` for one-hot columns).
    public var standardized: Double
    /// Why it is what it is.
    public var status: Status
    /// Standard error of `value`.
    public var standardError: Double?
    /// `value` / `standardError`.
    public var z: Double?
    /// Two-sided p-value of z.
    public var pValue: Double?
    /// e^`value`; absent where it overflows.
    public var oddsRatio: Double?

    private enum CodingKeys: String, CodingKey {
      case value, standardized, status, z
      case standardError = "standard_error"
      case pValue = "p_value"
      case oddsRatio = "odds_ratio"
    }
  }

  /// One category of a categorical feature.
  public struct Category: Sendable, Codable, Hashable {
    /// Its name.
    public var name: String
    /// Training rows that have it.
    public var rows: Int
    /// Its coefficient.
    public var coefficient: Coefficient
  }

  /// The name in the data.
  public var name: String
  /// The kind in the data.
  public var kind: ColumnKind
  /// Training rows in which it is missing.
  public var missingRows: Int
  /// Of a number: mean of the training values, which stands in for missing ones. Absent if all are missing.
  public var mean: Double?
  /// Of a number: population standard deviation of the training values.
  public var scale: Double?
  /// Of a number: smallest training value.
  public var minimum: Double?
  /// Of a number: largest training value.
  public var maximum: Double?
  /// Of a number: the coefficient per unit.
  public var coefficient: Coefficient?
  /// The coefficient of a missing value, for a number on top of the mean; absent if none was missing in training.
  public var missing: Coefficient?
  /// Of a categorical feature: the categories seen in training.
  public var categories: [Category]?

  private enum CodingKeys: String, CodingKey {
    case name, kind, mean, scale, minimum, maximum, coefficient, missing, categories
    case missingRows = "missing_rows"
  }
}
