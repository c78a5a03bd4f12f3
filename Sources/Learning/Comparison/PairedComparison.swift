/// Two models on the same rows: the differences of their KPIs, challenger − champion.
public struct PairedComparison: Sendable, Hashable {
  /// The rows that both were measured on.
  public var rows: Int
  /// Of these, rows with outcome 1.
  public var positives: Int
  /// The difference of each KPI that is compared (``Metric/isCompared``).
  public var differences: [Metric: PairedDifference]

  /// Of the rows, those with outcome 0.
  public var negatives: Int { rows - positives }

  /// The difference of a KPI; nil for one that is not compared.
  public subscript(metric: Metric) -> PairedDifference? { differences[metric] }

  /// Compares the predictions of two models.
  ///
  /// The ROC area is tested by DeLong's method, accuracy by McNemar's, everything else by a paired bootstrap, which draws clusters
  /// where there are any. Results depend on the rows alone: the bootstrap has a fixed seed.
  ///
  /// - Parameters:
  ///   - rows: the rows with both models' predictions.
  ///   - resamples: how often the bootstrap draws; by default more often the fewer rows there are.
  ///   - checkpoint: called every few milliseconds; ends the work by throwing.
  /// - Throws: what `checkpoint` throws.
  public init(
    _ rows: PairedRows, resamples: Int? = nil, checkpoint: () throws -> Void = {}
  ) rethrows {
    self.rows = rows.count
    positives = rows.outcomes.reduce(0) { $0 + Int($1) }
    var bootstrap = PairedBootstrap(rows, resamples: resamples)
    differences = bootstrap.values
    differences[.rocAUC] = try PairedROC.difference(rows, checkpoint: checkpoint)
    differences[.accuracy] = McNemar.difference(rows, values: differences[.accuracy])
    guard !rows.areAlike else {
      for metric in differences.keys { differences[metric]?.setAlike() }
      return
    }
    try bootstrap.run(checkpoint: checkpoint)
    for (metric, variance) in bootstrap.variances {
      differences[metric]?.setNormal(variance: variance, width: metric.width)
    }
  }
}

extension Metric {
  /// Whether two models can differ in this KPI on the same rows: not in counts of rows and in what follows from the outcomes alone.
  /// A threshold has no quality.
  public var isCompared: Bool {
    switch formula {
    case .record: false
    case .decisions, .rows: self != .baselineAccuracy
    }
  }

  /// The largest loss of quality that does not matter unless an owner says otherwise, in the units of the KPI: a fiftieth of the
  /// range of a share or an area.
  public var defaultMargin: Double {
    switch self {
    case .brierScore: 0.01
    case .mcc: 0.04
    default: 0.02
    }
  }

  /// The largest possible difference of two values.
  public var width: Double {
    range.upperBound < .greatestFiniteMagnitude
      ? range.upperBound - range.lowerBound : .greatestFiniteMagnitude
  }
}

extension PairedComparison: Codable {
  private enum Key: String, CodingKey {
    case positives, negatives, kpis
    case rows = "rows_measured"
  }

  /// A metric as a JSON name.
  private struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Decodes `rows_measured`, `positives` and `kpis`; a KPI that this version does not know is skipped.
  public init(from decoder: any Decoder) throws {
    let members = try decoder.container(keyedBy: Key.self)
    rows = try members.decode(Int.self, forKey: .rows)
    positives = try members.decode(Int.self, forKey: .positives)
    let kpis = try members.nestedContainer(keyedBy: Name.self, forKey: .kpis)
    differences = [:]
    for metric in Metric.allCases where metric.isCompared {
      differences[metric] = try kpis.decodeIfPresent(
        PairedDifference.self, forKey: Name(stringValue: metric.rawValue))
    }
  }

  /// Encodes the numbers of rows, and the differences by the JSON names of the KPIs.
  public func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: Key.self)
    try members.encode(rows, forKey: .rows)
    try members.encode(positives, forKey: .positives)
    try members.encode(negatives, forKey: .negatives)
    var kpis = members.nestedContainer(keyedBy: Name.self, forKey: .kpis)
    for metric in Metric.allCases {
      guard let difference = differences[metric] else { continue }
      try kpis.encode(difference, forKey: Name(stringValue: metric.rawValue))
    }
  }
}
