extension KPIs {
  /// Measures labelled predictions that stand for all predictions of a model: the outcomes are known of `total` in part, which
  /// differs between the decisions. Every row counts as much as its decision has predictions for each labelled one.
  ///
  /// The counts and the confusion matrix are those of the labelled predictions. If there are predictions of a decision and no
  /// outcome of any is known, only ``Metric/precision`` can be defined, which depends on the decisions 1 alone.
  ///
  /// - Parameters:
  ///   - scores: the probabilities (0…1) of outcome 1 of the labelled predictions.
  ///   - outcomes: their outcomes (0, 1).
  ///   - threshold: the probability from which on the decision is 1.
  ///   - total: all predictions by decision, the labelled ones included.
  /// - Throws: `LearningError.malformedTable` if there are not as many scores as outcomes or a score is outside 0…1.
  public init(
    scores: [Double], outcomes: [UInt8], threshold: Double, standingFor total: DecisionCounts
  ) throws(LearningError) {
    try Self.check(scores: scores, outcomes: outcomes)
    let ranking = ScoreRanking(scores: scores, outcomes: outcomes)
    let sample = DecisionSample(ConfusionMatrix(ranking, threshold: threshold), of: total)
    if sample.isComplete {
      self.init(ranking, threshold: threshold) {}
    } else {
      self.init(
        sample, threshold: threshold, rows: WeightedRanking(ranking, sample, threshold: threshold))
    }
  }

  /// Computes the KPIs of the confusion matrix of labelled predictions that stand for `total`; see
  /// ``init(scores:outcomes:threshold:standingFor:)``. Those that need the rows are undefined (``Metric/needsRows``).
  public init(_ matrix: ConfusionMatrix, threshold: Double, standingFor total: DecisionCounts) {
    let sample = DecisionSample(matrix, of: total)
    if sample.isComplete {
      self.init(matrix, threshold: threshold)
    } else {
      self.init(sample, threshold: threshold, rows: nil)
    }
  }

  private init(_ sample: DecisionSample, threshold: Double, rows: WeightedRanking?) {
    var values: [Metric: Double] = [:]
    var intervals: [Metric: Interval] = [:]
    for metric in Metric.allCases {
      if sample.unknownDecision != nil, metric != .precision { continue }
      switch metric {
      case .labelsUsed, .positives, .negatives, .validationRows, .threshold: continue
      case .precision:
        values[metric] = sample.matrix.precision
        intervals[metric] = .wilson(sample.matrix.truePositive, of: sample.labelled.ones)
      case .accuracy, .balancedAccuracy, .recall, .specificity, .f1, .mcc, .baselineAccuracy:
        let measured = sample.measure(metric) { $0[metric] }
        values[metric] = measured?.value
        intervals[metric] = measured?.interval
      case .rocAUC, .prAUC, .logLoss, .brierScore:
        guard let estimate = rows?[metric] else { continue }
        let variance = estimate.variance.map { SamplingVariance(value: $0) }
        values[metric] = estimate.value
        intervals[metric] =
          metric.isLowerBetter
          ? .normal(estimate.value, variance: variance, within: metric.range)
          : .logit(estimate.value, variance: variance)
      }
    }
    self.init(sample.matrix, threshold: threshold, values: values, intervals: intervals)
  }
}

extension DecisionShares {
  /// The KPI of that name; nil for one that does not follow from decisions.
  fileprivate subscript(metric: Metric) -> Double? {
    switch metric {
    case .accuracy: accuracy
    case .balancedAccuracy: balancedAccuracy
    case .precision: precision
    case .recall: recall
    case .specificity: specificity
    case .f1: f1
    case .mcc: mcc
    case .baselineAccuracy: baselineAccuracy
    case .labelsUsed, .positives, .negatives, .validationRows, .threshold, .rocAUC, .prAUC, .logLoss,
      .brierScore:
      nil
    }
  }
}

extension WeightedRanking {
  /// The KPI of that name; nil for one that does not need the rows, or is undefined.
  fileprivate subscript(metric: Metric) -> Estimate? {
    switch metric {
    case .rocAUC: rocAUC
    case .prAUC: averagePrecision
    case .logLoss: mean(of: PointwiseLosses.logLoss(_:_:))
    case .brierScore: mean { ($0 - $1) * ($0 - $1) }
    case .labelsUsed, .positives, .negatives, .validationRows, .threshold, .accuracy, .balancedAccuracy,
      .precision, .recall, .specificity, .f1, .mcc, .baselineAccuracy:
      nil
    }
  }
}

extension PointwiseLosses {
  /// −log(probability of the outcome), the probability kept 2.2e-16 away from 0 and 1.
  fileprivate static func logLoss(_ score: Double, _ outcome: Double) -> Double {
    let right = outcome == 1 ? score : 1 - score
    return -min(max(right, .ulpOfOne), 1 - .ulpOfOne).logarithm
  }
}
