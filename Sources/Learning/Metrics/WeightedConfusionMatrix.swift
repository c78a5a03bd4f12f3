/// The total weights of rows by decision and outcome, and the KPIs that follow from them. Without weights every row weighs 1.
public struct WeightedConfusionMatrix: Sendable, Codable, Hashable {
  /// Decided 1, was 1.
  public var truePositive: Double
  /// Decided 1, was 0.
  public var falsePositive: Double
  /// Decided 0, was 0.
  public var trueNegative: Double
  /// Decided 0, was 1.
  public var falseNegative: Double

  private typealias CodingKeys = ConfusionMatrix.CodingKeys

  /// No rows.
  static let zero = WeightedConfusionMatrix(
    truePositive: 0, falsePositive: 0, trueNegative: 0, falseNegative: 0)

  /// Creates a matrix from its four totals.
  public init(truePositive: Double, falsePositive: Double, trueNegative: Double, falseNegative: Double) {
    self.truePositive = truePositive
    self.falsePositive = falsePositive
    self.trueNegative = trueNegative
    self.falseNegative = falseNegative
  }

  /// Creates the matrix of rows that weigh 1.
  public init(_ rows: ConfusionMatrix) {
    self.init(
      truePositive: Double(rows.truePositive), falsePositive: Double(rows.falsePositive),
      trueNegative: Double(rows.trueNegative), falseNegative: Double(rows.falseNegative))
  }

  /// Adds the weight of a row.
  mutating func add(_ weight: Double, decision: Bool, outcome: Bool) {
    switch (decision, outcome) {
    case (true, true): truePositive += weight
    case (true, false): falsePositive += weight
    case (false, false): trueNegative += weight
    case (false, true): falseNegative += weight
    }
  }

  /// The sum of the products of the elements.
  func dot(_ other: Self) -> Double {
    truePositive * other.truePositive + falsePositive * other.falsePositive
      + trueNegative * other.trueNegative + falseNegative * other.falseNegative
  }

  /// All rows.
  public var total: Double { truePositive + falsePositive + trueNegative + falseNegative }
  /// Rows with outcome 1.
  public var positives: Double { truePositive + falseNegative }
  /// Rows with outcome 0.
  public var negatives: Double { trueNegative + falsePositive }
  /// Rows decided 1.
  public var decidedPositive: Double { truePositive + falsePositive }
  /// Rows decided as their outcome.
  public var right: Double { truePositive + trueNegative }
  /// Rows that are not true negatives.
  var exceptTrueNegative: Double { truePositive + falsePositive + falseNegative }

  /// Share of right decisions.
  public var accuracy: Double? { ratio(right, total) }
  /// Share of true positives among the decisions 1.
  public var precision: Double? { ratio(truePositive, decidedPositive) }
  /// Share of true positives among the outcomes 1.
  public var recall: Double? { ratio(truePositive, positives) }
  /// Share of true negatives among the outcomes 0.
  public var specificity: Double? { ratio(trueNegative, negatives) }
  /// Harmonic mean of precision and recall, 2·TP / (2·TP + FP + FN).
  public var f1: Double? { ratio(2 * truePositive, 2 * truePositive + falsePositive + falseNegative) }
  /// Mean of recall and specificity.
  public var balancedAccuracy: Double? {
    guard let recall, let specificity else { return nil }
    return (recall + specificity) / 2
  }
  /// Matthews correlation coefficient; undefined where a row or a column of the matrix is empty.
  public var mcc: Double? {
    let square = decidedPositive * positives * negatives * (trueNegative + falseNegative)
    return square > 0
      ? (truePositive * trueNegative - falsePositive * falseNegative) / square.squareRoot() : nil
  }

  /// The accuracy of always deciding for the commoner outcome.
  public var baselineAccuracy: Double? { ratio(max(positives, negatives), total) }

  private func ratio(_ part: Double, _ whole: Double) -> Double? { whole > 0 ? part / whole : nil }
}
