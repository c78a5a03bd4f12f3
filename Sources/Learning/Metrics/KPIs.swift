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
    /// Decisions and outcomes of the rows measured.
    var confusionMatrix: ConfusionMatrix
  }

  private var record: Record
  /// The values that are computed and defined.
  private var values: [Metric: Double] = [:]
  /// 95 % confidence intervals, for the KPIs that have one.
  public private(set) var intervals: [Metric: Interval] = [:]

  /// Decisions and outcomes of the rows measured.
  public var confusionMatrix: ConfusionMatrix { record.confusionMatrix }
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
  /// - Throws: `LearningError.malformedTable` if there are not as many of both or a score is outside 0…1.
  public init(scores: [Double], outcomes: [UInt8], threshold: Double) throws(LearningError) {
    try Self.check(scores: scores, outcomes: outcomes)
    self.init(ScoreRanking(scores: scores, outcomes: outcomes), threshold: threshold) {}
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
  public init(_ confusionMatrix: ConfusionMatrix, threshold: Double) {
    self.init(confusionMatrix, threshold: threshold, rows: nil) {}
  }

  /// Measures scores that are sorted already; `checkpoint` is called every few milliseconds and ends the work by
  /// throwing. `decisions` are those of folds with thresholds of their own; nil for those at `threshold`.
  init(
    _ ranking: ScoreRanking, threshold: Double, decisions: ConfusionMatrix? = nil,
    checkpoint: () throws -> Void
  ) rethrows {
    let matrix = decisions ?? ConfusionMatrix(ranking, threshold: threshold)
    let losses = try PointwiseLosses(ranking, checkpoint: checkpoint)
    try self.init(
      matrix, threshold: threshold, rows: MeasuredRows(ranking: ranking, losses: losses),
      checkpoint: checkpoint)
  }

  private init(
    _ matrix: ConfusionMatrix, threshold: Double, rows: MeasuredRows?, checkpoint: () throws -> Void
  ) rethrows {
    record = Record(
      labelsUsed: matrix.total, positives: matrix.positives, negatives: matrix.negatives,
      threshold: threshold, confusionMatrix: matrix)
    for metric in Metric.allCases {
      switch metric.formula {
      case .record: continue
      case .decisions(let value, let interval):
        values[metric] = value(matrix)
        intervals[metric] = interval(matrix)
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
      threshold: threshold, confusionMatrix: matrix)
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
  /// A metric, or one of the two members that are no numbers.
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
    init(_ metric: Metric) { stringValue = metric.rawValue }

    static let confusionMatrix = Key(stringValue: "confusion_matrix")
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
      confusionMatrix: try members.decode(ConfusionMatrix.self, forKey: .confusionMatrix))
    let bounds = try members.decode([String: Interval].self, forKey: .intervals)
    for metric in Metric.allCases {
      intervals[metric] = bounds[metric.rawValue]
      if case .record = metric.formula { continue }
      values[metric] = try members.decodeIfPresent(Double.self, forKey: Key(metric))
    }
  }

  /// Encodes every metric under its JSON name, undefined ones as null.
  public func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: Key.self)
    for metric in Metric.allCases {
      try members.encode(self[metric], forKey: Key(metric))
    }
    try members.encode(confusionMatrix, forKey: .confusionMatrix)
    try members.encode(
      Dictionary(uniqueKeysWithValues: intervals.map { ($0.rawValue, $1) }), forKey: .intervals)
  }
}
