/// A count of predictions for each decision. JSON: `{"0": n, "1": n}`.
public struct DecisionCounts: Sendable, Hashable, Codable {
  /// Predictions that were decided 0.
  public var zeros: Int
  /// Predictions that were decided 1.
  public var ones: Int

  private enum CodingKeys: String, CodingKey {
    case zeros = "0"
    case ones = "1"
  }

  /// Makes the counts; see the properties.
  public init(zeros: Int = 0, ones: Int = 0) {
    self.zeros = zeros
    self.ones = ones
  }

  /// The decisions of a confusion matrix.
  public init(_ matrix: ConfusionMatrix) {
    self.init(
      zeros: matrix.trueNegative + matrix.falseNegative, ones: matrix.truePositive + matrix.falsePositive)
  }

  /// The predictions of both decisions.
  public var total: Int { zeros + ones }

  /// The count of one decision.
  public subscript(decision: Bool) -> Int {
    get { decision ? ones : zeros }
    set {
      if decision { ones = newValue } else { zeros = newValue }
    }
  }

  /// The sums of both.
  public static func + (one: DecisionCounts, other: DecisionCounts) -> DecisionCounts {
    DecisionCounts(zeros: one.zeros + other.zeros, ones: one.ones + other.ones)
  }
}
