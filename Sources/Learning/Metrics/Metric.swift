/// The numeric KPIs by their JSON name.
public enum Metric: String, Sendable, Codable, Hashable, CaseIterable {
  /// `KPIs.labelsUsed`.
  case labelsUsed = "labels_used"
  /// `KPIs.positives`.
  case positives
  /// `KPIs.negatives`.
  case negatives
  /// `KPIs.validationRows`.
  case validationRows = "validation_rows"
  /// `KPIs.threshold`.
  case threshold
  /// `KPIs.accuracy`.
  case accuracy
  /// `KPIs.balancedAccuracy`.
  case balancedAccuracy = "balanced_accuracy"
  /// `KPIs.precision`.
  case precision
  /// `KPIs.recall`.
  case recall
  /// `KPIs.specificity`.
  case specificity
  /// `KPIs.f1`.
  case f1
  /// `KPIs.mcc`.
  case mcc
  /// `KPIs.rocAUC`.
  case rocAUC = "roc_auc"
  /// `KPIs.prAUC`.
  case prAUC = "pr_auc"
  /// `KPIs.logLoss`.
  case logLoss = "log_loss"
  /// `KPIs.brierScore`.
  case brierScore = "brier_score"
  /// `KPIs.baselineAccuracy`.
  case baselineAccuracy = "baseline_accuracy"
}

extension KPIs {
  /// The value of a metric; nil where it is undefined.
  public func value(of metric: Metric) -> Double? {
    switch metric {
    case .labelsUsed: Double(labelsUsed)
    case .positives: Double(positives)
    case .negatives: Double(negatives)
    case .validationRows: Double(validationRows)
    case .threshold: threshold
    case .accuracy: accuracy
    case .balancedAccuracy: balancedAccuracy
    case .precision: precision
    case .recall: recall
    case .specificity: specificity
    case .f1: f1
    case .mcc: mcc
    case .rocAUC: rocAUC
    case .prAUC: prAUC
    case .logLoss: logLoss
    case .brierScore: brierScore
    case .baselineAccuracy: baselineAccuracy
    }
  }

  /// The value of a metric by its JSON name; nil where it is undefined or no metric has the name.
  public func value(of name: String) -> Double? { Metric(rawValue: name).flatMap { value(of: $0) } }
}
