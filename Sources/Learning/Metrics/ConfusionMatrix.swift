/// The numbers of rows by decision and outcome. The KPIs that follow from them are those of ``WeightedConfusionMatrix``.
@dynamicMemberLookup
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

  /// A KPI of these numbers, as ``WeightedConfusionMatrix`` defines it.
  public subscript(dynamicMember kpi: KeyPath<WeightedConfusionMatrix, Double?>) -> Double? {
    WeightedConfusionMatrix(self)[keyPath: kpi]
  }

  /// All rows.
  public var total: Int { truePositive + falsePositive + trueNegative + falseNegative }
  /// Rows with outcome 1.
  public var positives: Int { truePositive + falseNegative }
  /// Rows with outcome 0.
  public var negatives: Int { trueNegative + falsePositive }
}

extension ConfusionMatrix {
  /// Counts the decisions that a threshold makes on ranked rows.
  init(_ ranking: ScoreRanking, threshold: Double) {
    self.init(
      truePositive: 0, falsePositive: 0, trueNegative: ranking.negativeRows,
      falseNegative: ranking.positiveRows)
    for group in ranking.ascending where group.score >= threshold {
      truePositive += group.positiveRows
      falseNegative -= group.positiveRows
      falsePositive += group.negativeRows
      trueNegative -= group.negativeRows
    }
  }
}
