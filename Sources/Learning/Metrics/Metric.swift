/// The KPIs, each defined once: its JSON name, what it is computed from, its formula, its interval, and whether less is
/// better. Everything else (JSON, CSV, gates, the choice of the active model, live measurement) follows from here.
///
/// The order of the cases is the order of the columns in CSV.
public enum Metric: String, Sendable, Hashable, CaseIterable {
  /// Rows that the serving model is fitted on.
  case labelsUsed = "labels_used"
  /// Of these, rows with outcome 1.
  case positives
  /// Of these, rows with outcome 0.
  case negatives
  /// Rows measured.
  case validationRows = "validation_rows"
  /// Probability from which on the decision is 1.
  case threshold
  /// Share of right decisions.
  case accuracy
  /// Mean of recall and specificity.
  case balancedAccuracy = "balanced_accuracy"
  /// Share of true positives among the decisions 1.
  case precision
  /// Share of true positives among the outcomes 1.
  case recall
  /// Share of true negatives among the outcomes 0.
  case specificity
  /// Harmonic mean of precision and recall.
  case f1
  /// Matthews correlation coefficient.
  case mcc
  /// Area under the ROC curve.
  case rocAUC = "roc_auc"
  /// Area under the precision-recall curve, as average precision.
  case prAUC = "pr_auc"
  /// Mean of −log(probability of the true outcome), probabilities kept 2.2e-16 away from 0 and 1.
  case logLoss = "log_loss"
  /// Mean of (probability − outcome)².
  case brierScore = "brier_score"
  /// The accuracy of always deciding for the commoner outcome of the rows measured.
  case baselineAccuracy = "baseline_accuracy"

  /// How a KPI is computed. A value is nil where it is undefined, an interval where none can be given.
  enum Formula: Sendable {
    /// From the counts and the threshold that KPIs record.
    case record(@Sendable (KPIs.Record) -> Double)
    /// From decisions and outcomes.
    case decisions(
      @Sendable (WeightedConfusionMatrix) -> Double?,
      interval: @Sendable (MeasuredDecisions) -> Interval? = { _ in nil })
    /// From the probability and the outcome of every row.
    case rows(
      @Sendable (MeasuredRows) -> Double?, interval: @Sendable (MeasuredRows) -> Interval? = { _ in nil })
  }

  /// The definition. Intervals: Wilson for shares, DeLong for the ROC area, the delta method for the average precision and for what
  /// is computed from several shares, the standard error of the mean for the losses. With weights and clusters as
  /// ``MeasuredDecisions`` and ``ScoreRanking`` say.
  var formula: Formula {
    switch self {
    case .labelsUsed: .record { Double($0.labelsUsed) }
    case .positives: .record { Double($0.positives) }
    case .negatives: .record { Double($0.negatives) }
    case .validationRows: .record { Double($0.decisions.rows.total) }
    case .threshold: .record { $0.threshold }
    case .accuracy: .decisions(\.accuracy) { $0.interval(\.right, of: \.total) }
    case .balancedAccuracy: .decisions(\.balancedAccuracy, interval: \.balancedAccuracyInterval)
    case .precision: .decisions(\.precision) { $0.interval(\.truePositive, of: \.decidedPositive) }
    case .recall: .decisions(\.recall) { $0.interval(\.truePositive, of: \.positives) }
    case .specificity: .decisions(\.specificity) { $0.interval(\.trueNegative, of: \.negatives) }
    case .f1: .decisions(\.f1, interval: \.f1Interval)
    case .mcc: .decisions(\.mcc, interval: \.mccInterval)
    case .rocAUC: .rows(\.ranking.rocAUC, interval: \.ranking.rocAUCInterval)
    case .prAUC: .rows(\.ranking.averagePrecision, interval: \.ranking.averagePrecisionInterval)
    case .logLoss:
      .rows(\.losses.logLoss) {
        .normal(
          $0.losses.logLoss, variance: $0.losses.logLossVariance, within: 0...Double.greatestFiniteMagnitude)
      }
    case .brierScore:
      .rows(\.losses.brierScore) {
        .normal($0.losses.brierScore, variance: $0.losses.brierVariance, within: 0...1)
      }
    case .baselineAccuracy: .decisions(\.baselineAccuracy)
    }
  }

  /// Whether a smaller value is the better one: true of the losses.
  public var isLowerBetter: Bool {
    switch self {
    case .logLoss, .brierScore: true
    case .labelsUsed, .positives, .negatives, .validationRows, .threshold, .accuracy, .balancedAccuracy,
      .precision, .recall, .specificity, .f1, .mcc, .rocAUC, .prAUC, .baselineAccuracy:
      false
    }
  }

  /// The values that are possible.
  public var range: ClosedRange<Double> {
    switch self {
    case .threshold, .accuracy, .balancedAccuracy, .precision, .recall, .specificity, .f1, .rocAUC, .prAUC,
      .brierScore, .baselineAccuracy:
      0...1
    case .mcc: -1...1
    case .labelsUsed, .positives, .negatives, .validationRows, .logLoss: 0...Double.greatestFiniteMagnitude
    }
  }

  /// Whether the value depends on the probabilities of the rows, so that a confusion matrix and a threshold are not
  /// enough for it.
  public var needsRows: Bool {
    switch formula {
    case .rows: true
    case .record, .decisions: false
    }
  }

  /// Whether the value is a count or a setting, so that it is known exactly and has no interval.
  public var isExact: Bool {
    switch formula {
    case .record: true
    case .rows, .decisions: false
    }
  }

  /// Whether a value is at least as good as another one, to within `tolerance`.
  public func isAtLeastAsGood(_ value: Double, as other: Double, tolerance: Double = 0) -> Bool {
    isLowerBetter ? value <= other + tolerance : value >= other - tolerance
  }
}

extension Metric: Codable {
  /// Decodes the JSON name.
  ///
  /// - Throws: ``UnknownStoredName`` for a name that no KPI has.
  public init(from decoder: any Decoder) throws {
    try self.init(stored: decoder.singleValueContainer().decode(String.self))
  }

  /// The metric of that JSON name.
  ///
  /// - Throws: ``UnknownStoredName`` for a name that no KPI has.
  public init(stored name: String) throws(UnknownStoredName) {
    guard let metric = Metric(rawValue: name) else { throw UnknownStoredName(kind: "KPI", name: name) }
    self = metric
  }
}

/// The rows in the form from which the KPIs that need them are computed.
struct MeasuredRows: Sendable {
  /// The rows in the order of their probabilities.
  let ranking: ScoreRanking
  /// Their losses.
  let losses: PointwiseLosses
}
