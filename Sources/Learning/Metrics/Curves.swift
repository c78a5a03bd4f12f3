/// The ROC, precision-recall and calibration curves of a model on held-out rows, each with at most 200 points.
public struct Curves: Sendable, Codable, Hashable {
  /// One point of the ROC curve.
  public struct ROCPoint: Sendable, Codable, Hashable {
    /// Probability from which on decisions are 1; nil at the start, where no decision is 1.
    public var threshold: Double?
    /// 1 − specificity.
    public var falsePositiveRate: Double
    /// Recall.
    public var truePositiveRate: Double

    private enum CodingKeys: String, CodingKey {
      case threshold
      case falsePositiveRate = "false_positive_rate"
      case truePositiveRate = "true_positive_rate"
    }
  }

  /// One point of the precision-recall curve.
  public struct PrecisionRecallPoint: Sendable, Codable, Hashable {
    /// Probability from which on decisions are 1.
    public var threshold: Double
    /// Share of true positives among the decisions 1.
    public var precision: Double
    /// Share of true positives among the outcomes 1.
    public var recall: Double
  }

  /// Rows of similar probability, with the share whose outcome was 1.
  public struct CalibrationBin: Sendable, Codable, Hashable {
    /// Mean probability of the rows.
    public var meanProbability: Double
    /// Share of outcome 1 among the rows.
    public var observed: Double
    /// 95 % interval of `observed` (Wilson).
    public var interval: Interval
    /// Rows in the bin.
    public var rows: Int

    private enum CodingKeys: String, CodingKey {
      case observed, interval, rows
      case meanProbability = "mean_probability"
    }
  }

  /// From (0, 0) to (1, 1); empty without rows of both outcomes.
  public var roc: [ROCPoint]
  /// By decreasing threshold; empty without positives.
  public var precisionRecall: [PrecisionRecallPoint]
  /// By increasing probability: up to 20 bins with about equal numbers of rows. Equal probabilities share a bin.
  public var calibration: [CalibrationBin]

  private enum CodingKeys: String, CodingKey {
    case roc, calibration
    case precisionRecall = "precision_recall"
  }

  /// Computes the curves of probabilities (0…1) and their outcomes (0, 1).
  public init(scores: [Double], outcomes: [UInt8]) {
    self.init(ScoreRanking(scores: scores, outcomes: outcomes)) {}
  }

  /// `checkpoint` is called every few milliseconds and ends the work by throwing.
  init(_ ranking: ScoreRanking, checkpoint: () throws -> Void) rethrows {
    roc = Self.roc(ranking)
    try checkpoint()
    precisionRecall = Self.precisionRecall(ranking)
    try checkpoint()
    calibration = Self.calibration(ranking)
  }

  static let points = 200
  static let bins = 20

  private static func roc(_ ranking: ScoreRanking) -> [ROCPoint] {
    guard ranking.positives > 0, ranking.negatives > 0 else { return [] }
    var line = Line<ROCPoint>(of: ranking.groupCount + 1) { ($0.falsePositiveRate, $0.truePositiveRate) }
    line.append(ROCPoint(threshold: nil, falsePositiveRate: 0, truePositiveRate: 0))
    var (p, n) = (0, 0)
    for group in ranking.descending {
      p += group.positives
      n += group.negatives
      line.append(
        ROCPoint(
          threshold: group.score, falsePositiveRate: Double(n) / Double(ranking.negatives),
          truePositiveRate: Double(p) / Double(ranking.positives)))
    }
    return line.simplified(to: Self.points)
  }

  private static func precisionRecall(_ ranking: ScoreRanking) -> [PrecisionRecallPoint] {
    guard ranking.positives > 0 else { return [] }
    var line = Line<PrecisionRecallPoint>(of: ranking.groupCount) { ($0.recall, $0.precision) }
    var (p, taken) = (0, 0)
    for group in ranking.descending {
      p += group.positives
      taken += group.positives + group.negatives
      line.append(
        PrecisionRecallPoint(
          threshold: group.score, precision: Double(p) / Double(taken),
          recall: Double(p) / Double(ranking.positives)))
    }
    return line.simplified(to: Self.points)
  }

  private static func calibration(_ ranking: ScoreRanking) -> [CalibrationBin] {
    let rows = ranking.positives + ranking.negatives
    var result: [CalibrationBin] = []
    var (count, positives, sum, seen) = (0, 0, 0.0, 0)
    for group in ranking.ascending {
      let size = group.positives + group.negatives
      count += size
      positives += group.positives
      sum += group.score * Double(size)
      seen += size
      // The bin is full when its share of the rows has been seen.
      guard seen * bins >= rows * (result.count + 1) || seen == rows,
        let interval = Interval.wilson(positives, of: count)
      else { continue }
      result.append(
        CalibrationBin(
          meanProbability: sum / Double(count), observed: Double(positives) / Double(count),
          interval: interval,
          rows: count))
      (count, positives, sum) = (0, 0, 0)
    }
    return result
  }
}
