/// The quality of a model on rows that it was not fitted on. ``Metric`` defines the values.
public struct KPIs: Sendable, Hashable {
  /// The counts and the threshold, which are not computed from the predictions.
  struct Record: Sendable, Hashable {
    /// Rows that the serving model is fitted on.
    var labelsUsed: Int
    /// Of these, rows with outcome 1.
    var positives: Int
    /// Of these, rows with outcome 0.
    var negatives: Int
    /// Probability from which on the decision is 1.
    var threshold: Double
    /// Decisions and outcomes of the rows measured: their numbers, and their weights where they have any.
    var decisions: Decisions
  }

  /// The part of ``MeasuredDecisions`` that is kept.
  struct Decisions: Sendable, Hashable {
    var rows: ConfusionMatrix
    var weights: WeightedConfusionMatrix?
    var effectiveRows: Double?
  }

  private var record: Record
  /// The values that are computed and defined.
  private var values: [Metric: Double] = [:]
  /// 95 % confidence intervals, for the KPIs that have one.
  public private(set) var intervals: [Metric: Interval] = [:]

  /// The numbers of rows measured by decision and outcome.
  public var confusionMatrix: ConfusionMatrix { record.decisions.rows }
  /// The total weights of the rows measured by decision and outcome; nil where they had no weights.
  public var weightedConfusionMatrix: WeightedConfusionMatrix? { record.decisions.weights }
  /// The effective number of the rows measured, (Σw)² / Σw² (Kish 1965); nil where they had no weights.
  public var effectiveRows: Double? { record.decisions.effectiveRows }
  /// Probability from which on the decision is 1.
  public var threshold: Double { record.threshold }
  /// Rows that the serving model is fitted on.
  public var labelsUsed: Int { record.labelsUsed }

  /// The value of a metric; nil where it is undefined.
  public subscript(metric: Metric) -> Double? {
    if case .record(let value) = metric.formula { return value(record) }
    return values[metric]
  }

  /// Measures probabilities (0…1) of outcome 1 against the outcomes (0, 1). The counts of rows that the serving model
  /// is fitted on are those of the rows measured.
  ///
  /// - Parameters:
  ///   - scores: the probabilities.
  ///   - outcomes: the outcome of each row.
  ///   - threshold: the probability from which on the decision is 1.
  ///   - weights: the weight of each row, finite and above 0: all values are those of scikit-learn's `sample_weight`, and the
  ///     intervals those of the effective number of rows. nil for rows that weigh the same.
  ///   - clusters: the code of the group of dependent rows that each row belongs to, negative for a row on its own: the
  ///     intervals allow for the dependence. nil for independent rows.
  /// - Throws: `LearningError.malformedTable` if there are not as many of all, or a score or a weight is out of range.
  public init(
    scores: [Double], outcomes: [UInt8], threshold: Double, weights: [Double]? = nil, clusters: [Int32]? = nil
  ) throws(LearningError) {
    try Self.check(scores: scores, outcomes: outcomes)
    guard RowAttributes(weights: weights).fits(rows: scores.count),
      clusters.map({ $0.count == scores.count }) ?? true
    else {
      throw .malformedTable(
        detail: "Weights are numbers above 0, and there is one weight and one cluster for each row.")
    }
    self.init(
      ScoreRanking(scores: scores, outcomes: outcomes, weights: weights, groups: clusters),
      threshold: threshold
    ) {}
  }

  /// Refuses what cannot be measured.
  static func check(scores: [Double], outcomes: [UInt8]) throws(LearningError) {
    guard scores.count == outcomes.count, scores.allSatisfy({ $0 >= 0 && $0 <= 1 }),
      outcomes.allSatisfy({ $0 <= 1 })
    else {
      throw .malformedTable(detail: "Scores are numbers from 0 to 1, outcomes 0 or 1, and as many of both.")
    }
  }

  /// Computes the KPIs of a confusion matrix. Those that need the rows are undefined (``Metric/needsRows``).
  ///
  /// - Parameters:
  ///   - confusionMatrix: the numbers of rows by decision and outcome.
  ///   - threshold: the probability from which on the decision is 1.
  ///   - decided: the weight of each row by its decision, above 0; nil for rows that weigh the same.
  public init(
    _ confusionMatrix: ConfusionMatrix, threshold: Double, decided: (zero: Double, one: Double)? = nil
  ) {
    self.init(MeasuredDecisions(confusionMatrix, decided: decided), threshold: threshold, rows: nil) {}
  }

  /// Measures scores that are sorted already; `checkpoint` is called every few milliseconds and ends the work by
  /// throwing. `decisions` are those of folds with thresholds of their own; nil for those at `threshold`.
  init(
    _ ranking: ScoreRanking, threshold: Double, decisions: MeasuredDecisions? = nil,
    checkpoint: () throws -> Void
  ) rethrows {
    let decisions = decisions ?? MeasuredDecisions(ranking, threshold: threshold)
    let losses = try PointwiseLosses(ranking, checkpoint: checkpoint)
    try self.init(
      decisions, threshold: threshold, rows: MeasuredRows(ranking: ranking, losses: losses),
      checkpoint: checkpoint)
  }

  private init(
    _ decisions: MeasuredDecisions, threshold: Double, rows: MeasuredRows?, checkpoint: () throws -> Void
  ) rethrows {
    let isWeighted = decisions.squares != nil
    record = Record(
      labelsUsed: decisions.rows.total, positives: decisions.rows.positives,
      negatives: decisions.rows.negatives,
      threshold: threshold,
      decisions: Decisions(
        rows: decisions.rows, weights: isWeighted ? decisions.weights : nil,
        effectiveRows: isWeighted ? decisions.effectiveRows(\.total) : nil))
    for metric in Metric.allCases {
      switch metric.formula {
      case .record: continue
      case .decisions(let value, let interval):
        values[metric] = value(decisions.weights)
        intervals[metric] = interval(decisions)
      case .rows(let value, let interval):
        guard let rows else { continue }
        try checkpoint()
        values[metric] = value(rows)
        try checkpoint()
        intervals[metric] = interval(rows)
      }
    }
  }

  /// Records values and intervals that were computed by other rules than those of ``Metric/formula``.
  init(
    _ matrix: ConfusionMatrix, threshold: Double, values: [Metric: Double], intervals: [Metric: Interval]
  ) {
    record = Record(
      labelsUsed: matrix.total, positives: matrix.positives, negatives: matrix.negatives,
      threshold: threshold, decisions: Decisions(rows: matrix))
    self.values = values
    self.intervals = intervals
  }

  /// Sets the counts of the rows that the serving model is fitted on, which are not the rows measured.
  mutating func setFitted(positives: Int, negatives: Int) {
    record.labelsUsed = positives + negatives
    record.positives = positives
    record.negatives = negatives
  }

  /// Sets the threshold of the serving model, which differs from those of the folds if each fit moves its own.
  mutating func setThreshold(_ threshold: Double) { record.threshold = threshold }
}

extension KPIs: Codable {
  /// A metric, or one of the members that are none.
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
    init(_ metric: Metric) { stringValue = metric.rawValue }

    static let confusionMatrix = Key(stringValue: "confusion_matrix")
    static let weightedConfusionMatrix = Key(stringValue: "weighted_confusion_matrix")
    static let effectiveRows = Key(stringValue: "effective_rows")
    static let intervals = Key(stringValue: "intervals")
  }

  /// Decodes what ``encode(to:)`` wrote. A value or an interval that is absent, as one of a KPI that is newer than the
  /// data, is undefined.
  public init(from decoder: any Decoder) throws {
    let members = try decoder.container(keyedBy: Key.self)
    record = Record(
      labelsUsed: try members.decode(Int.self, forKey: Key(.labelsUsed)),
      positives: try members.decode(Int.self, forKey: Key(.positives)),
      negatives: try members.decode(Int.self, forKey: Key(.negatives)),
      threshold: try members.decode(Double.self, forKey: Key(.threshold)),
      decisions: Decisions(
        rows: try members.decode(ConfusionMatrix.self, forKey: .confusionMatrix),
        weights: try members.decodeIfPresent(WeightedConfusionMatrix.self, forKey: .weightedConfusionMatrix),
        effectiveRows: try members.decodeIfPresent(Double.self, forKey: .effectiveRows)))
    let bounds = try members.decode([String: Interval].self, forKey: .intervals)
    for metric in Metric.allCases {
      intervals[metric] = bounds[metric.rawValue]
      if case .record = metric.formula { continue }
      values[metric] = try members.decodeIfPresent(Double.self, forKey: Key(metric))
    }
  }

  /// Encodes every metric under its JSON name, undefined ones as null. The members of weights are absent without weights.
  public func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: Key.self)
    for metric in Metric.allCases {
      try members.encode(self[metric], forKey: Key(metric))
    }
    try members.encode(confusionMatrix, forKey: .confusionMatrix)
    try members.encodeIfPresent(weightedConfusionMatrix, forKey: .weightedConfusionMatrix)
    try members.encodeIfPresent(effectiveRows, forKey: .effectiveRows)
    try members.encode(
      Dictionary(uniqueKeysWithValues: intervals.map { ($0.rawValue, $1) }), forKey: .intervals)
  }
}
