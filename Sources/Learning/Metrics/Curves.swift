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
    /// 95 % interval of `observed` (Wilson), for the effective number of rows or clusters.
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
  /// By increasing probability: up to 20 bins with about equal numbers of rows, or with about equal total weights. Equal
  /// probabilities share a bin.
  public var calibration: [CalibrationBin]

  private enum CodingKeys: String, CodingKey {
    case roc, calibration
    case precisionRecall = "precision_recall"
  }

  /// Computes the curves of probabilities (0…1) and their outcomes (0, 1), with as many weights above 0 and codes of clusters
  /// (negative for a row on its own) as rows, if there are any.
  public init(scores: [Double], outcomes: [UInt8], weights: [Double]? = nil, clusters: [Int32]? = nil) {
    self.init(ScoreRanking(scores: scores, outcomes: outcomes, weights: weights, groups: clusters)) {}
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
}
