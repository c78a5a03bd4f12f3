/// The quality of a model on rows that it was not fitted on. JSON as in the API, undefined ratios as null.
public struct KPIs: Sendable, Hashable {
  /// Rows that the serving model is fitted on.
  public var labelsUsed: Int
  /// Of these, rows with outcome 1.
  public var positives: Int
  /// Of these, rows with outcome 0.
  public var negatives: Int
  /// Rows measured.
  public var validationRows: Int
  /// Probability from which on the decision is 1.
  public var threshold: Double
  /// Decisions and outcomes of the rows measured.
  public var confusionMatrix: ConfusionMatrix
  /// Share of right decisions.
  public var accuracy: Double?
  /// Mean of recall and specificity.
  public var balancedAccuracy: Double?
  /// Share of true positives among the decisions 1.
  public var precision: Double?
  /// Share of true positives among the outcomes 1.
  public var recall: Double?
  /// Share of true negatives among the outcomes 0.
  public var specificity: Double?
  /// Harmonic mean of precision and recall.
  public var f1: Double?
  /// Matthews correlation coefficient.
  public var mcc: Double?
  /// Area under the ROC curve.
  public var rocAUC: Double?
  /// Area under the precision-recall curve, as average precision.
  public var prAUC: Double?
  /// Mean of −log(probability of the true outcome), probabilities kept 2.2e-16 away from 0 and 1.
  public var logLoss: Double?
  /// Mean of (probability − outcome)².
  public var brierScore: Double?
  /// The accuracy of always deciding for the commoner outcome of the rows measured.
  public var baselineAccuracy: Double?
  /// 95 % confidence intervals by the JSON name of the KPI, where one can be given.
  public var intervals: [String: Interval]

  /// Measures probabilities (0…1) of outcome 1 against the outcomes (0, 1); throws `LearningError.malformedTable` if
  /// there are not as many of both or a score is outside 0…1. The counts of the rows that the serving model is
  /// fitted on are those of the rows measured unless given.
  public init(
    scores: [Double], outcomes: [UInt8], threshold: Double,
    labelsUsed: Int? = nil, positives: Int? = nil, negatives: Int? = nil
  ) throws(LearningError) {
    guard scores.count == outcomes.count, scores.allSatisfy({ $0 >= 0 && $0 <= 1 }),
      outcomes.allSatisfy({ $0 <= 1 })
    else {
      throw .malformedTable(detail: "Scores are numbers from 0 to 1, outcomes 0 or 1, and as many of both.")
    }
    self.init(ScoreRanking(scores: scores, outcomes: outcomes), threshold: threshold) {}
    self.labelsUsed = labelsUsed ?? self.labelsUsed
    self.positives = positives ?? self.positives
    self.negatives = negatives ?? self.negatives
  }

  /// The same for scores that have been sorted before; `checkpoint` is called every few milliseconds and ends the work
  /// by throwing.
  init(_ ranking: ScoreRanking, threshold: Double, checkpoint: () throws -> Void) rethrows {
    let matrix = ConfusionMatrix(ranking, threshold: threshold)
    let losses = try PointwiseLosses(ranking, checkpoint: checkpoint)
    let rows = ranking.keys.count
    labelsUsed = rows
    positives = ranking.positives
    negatives = ranking.negatives
    validationRows = rows
    self.threshold = threshold
    confusionMatrix = matrix
    accuracy = matrix.accuracy
    balancedAccuracy = matrix.balancedAccuracy
    precision = matrix.precision
    recall = matrix.recall
    specificity = matrix.specificity
    f1 = matrix.f1
    mcc = matrix.mcc
    rocAUC = ranking.rocAUC
    prAUC = ranking.averagePrecision
    logLoss = losses.logLoss
    brierScore = losses.brierScore
    baselineAccuracy = rows == 0 ? nil : Double(max(ranking.positives, ranking.negatives)) / Double(rows)
    try checkpoint()
    intervals = [:]
    intervals = confidence(ranking: ranking, losses: losses)
  }
}

extension KPIs: Codable {
  private enum CodingKeys: String, CodingKey {
    case labelsUsed = "labels_used"
    case positives, negatives
    case validationRows = "validation_rows"
    case threshold
    case confusionMatrix = "confusion_matrix"
    case accuracy
    case balancedAccuracy = "balanced_accuracy"
    case precision, recall, specificity, f1, mcc
    case rocAUC = "roc_auc"
    case prAUC = "pr_auc"
    case logLoss = "log_loss"
    case brierScore = "brier_score"
    case baselineAccuracy = "baseline_accuracy"
    case intervals
  }

  /// Writes every key, undefined ratios as null.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(labelsUsed, forKey: .labelsUsed)
    try values.encode(positives, forKey: .positives)
    try values.encode(negatives, forKey: .negatives)
    try values.encode(validationRows, forKey: .validationRows)
    try values.encode(threshold, forKey: .threshold)
    try values.encode(confusionMatrix, forKey: .confusionMatrix)
    try values.encode(accuracy, forKey: .accuracy)
    try values.encode(balancedAccuracy, forKey: .balancedAccuracy)
    try values.encode(precision, forKey: .precision)
    try values.encode(recall, forKey: .recall)
    try values.encode(specificity, forKey: .specificity)
    try values.encode(f1, forKey: .f1)
    try values.encode(mcc, forKey: .mcc)
    try values.encode(rocAUC, forKey: .rocAUC)
    try values.encode(prAUC, forKey: .prAUC)
    try values.encode(logLoss, forKey: .logLoss)
    try values.encode(brierScore, forKey: .brierScore)
    try values.encode(baselineAccuracy, forKey: .baselineAccuracy)
    try values.encode(intervals, forKey: .intervals)
  }
}
