/// The counts of decisions by outcome, and the KPIs that follow from them.
public struct ConfusionMatrix: Sendable, Codable, Hashable {
  /// Decided 1, was 1.
  public var truePositive: Int
  /// Decided 1, was 0.
  public var falsePositive: Int
  /// Decided 0, was 0.
  public var trueNegative: Int
  /// Decided 0, was 1.
  public var falseNegative: Int

  /// The JSON names of the counts.
  public enum CodingKeys: String, CodingKey, CaseIterable {
    /// `truePositive`.
    case truePositive = "true_positive"
    /// `falsePositive`.
    case falsePositive = "false_positive"
    /// `trueNegative`.
    case trueNegative = "true_negative"
    /// `falseNegative`.
    case falseNegative = "false_negative"
  }

  /// The count of that JSON name.
  public subscript(name: CodingKeys) -> Int {
    switch name {
    case .truePositive: truePositive
    case .falsePositive: falsePositive
    case .trueNegative: trueNegative
    case .falseNegative: falseNegative
    }
  }

  /// Makes a matrix from its four counts.
  public init(truePositive: Int, falsePositive: Int, trueNegative: Int, falseNegative: Int) {
    self.truePositive = truePositive
    self.falsePositive = falsePositive
    self.trueNegative = trueNegative
    self.falseNegative = falseNegative
  }

  /// All rows.
  public var total: Int { truePositive + falsePositive + trueNegative + falseNegative }
  /// Rows with outcome 1.
  public var positives: Int { truePositive + falseNegative }
  /// Rows with outcome 0.
  public var negatives: Int { trueNegative + falsePositive }
  /// Share of right decisions.
  public var accuracy: Double? { ratio(truePositive + trueNegative, total) }
  /// Share of true positives among the decisions 1.
  public var precision: Double? { ratio(truePositive, truePositive + falsePositive) }
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
    let (tp, fp) = (Double(truePositive), Double(falsePositive))
    let (tn, fn) = (Double(trueNegative), Double(falseNegative))
    let square = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return square > 0 ? (tp * tn - fp * fn) / square.squareRoot() : nil
  }

  /// The accuracy of always deciding for the commoner outcome.
  public var baselineAccuracy: Double? { ratio(max(positives, negatives), total) }

  private func ratio(_ part: Int, _ whole: Int) -> Double? { whole > 0 ? Double(part) / Double(whole) : nil }
}

extension ConfusionMatrix {
  /// Counts the decisions that a threshold makes on ranked rows.
  init(_ ranking: ScoreRanking, threshold: Double) {
    self.init(
      truePositive: 0, falsePositive: 0, trueNegative: ranking.negatives, falseNegative: ranking.positives)
    for group in ranking.ascending where group.score >= threshold {
      truePositive += group.positives
      falseNegative -= group.positives
      falsePositive += group.negatives
      trueNegative -= group.negatives
    }
  }
}
