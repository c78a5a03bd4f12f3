/// Collects the rows to measure: the keys by which they are sorted (``ScoreRanking``), with their weights and groups, and the
/// decisions on them.
struct HeldOutRows {
  /// The key of each row.
  private(set) var keys: [UInt64] = []
  /// The weight of each row; nil where rows have none.
  private(set) var weights: [Double]?
  /// The code of each row's group, negative for a row on its own; nil where rows have none.
  private(set) var groups: [Int32]?

  private let attributes: RowAttributes
  /// Whether the decisions are to be known by weight and cluster.
  private let withDecisions: Bool
  /// The numbers of rows by outcome + 2 · decision.
  private var counts = [0, 0, 0, 0]
  private var detailed: MeasuredDecisions?
  /// The number of each group in `detailed`.
  private var clusters: [Int32: Int] = [:]

  /// - Parameters:
  ///   - attributes: those of all rows of the table.
  ///   - capacity: the number of rows to expect.
  ///   - withDecisions: whether `decisions` will be used.
  init(_ attributes: RowAttributes, capacity: Int, withDecisions: Bool) {
    self.attributes = attributes
    self.withDecisions = withDecisions
    keys.reserveCapacity(capacity)
    if attributes.weights != nil {
      weights = []
      weights?.reserveCapacity(capacity)
    }
    if attributes.groups != nil {
      groups = []
      groups?.reserveCapacity(capacity)
    }
    if withDecisions, attributes.weights != nil || attributes.groups != nil {
      detailed = MeasuredDecisions(
        isWeighted: attributes.weights != nil, clusters: attributes.groups == nil ? nil : 0)
    }
  }

  /// The decisions on the rows so far.
  var decisions: MeasuredDecisions {
    guard var detailed else {
      return MeasuredDecisions(
        ConfusionMatrix(
          truePositive: counts[3], falsePositive: counts[2], trueNegative: counts[0], falseNegative: counts[1]
        ))
    }
    detailed.forgetSingleClusters()
    return detailed
  }

  /// Adds the row with this index in the table.
  mutating func add(_ row: Int, score: Double, outcome: UInt8, decision: Bool) {
    keys.append(ScoreRanking.key(score: score, outcome: outcome))
    counts[Int(outcome) + (decision ? 2 : 0)] += 1
    guard weights != nil || groups != nil else { return }
    let weight = attributes.weights?[row] ?? 1
    weights?.append(weight)
    let group = attributes.groups?[row]
    if let group { groups?.append(group) }
    guard detailed != nil else { return }
    let cluster = group.map { group -> Int in
      if group >= 0, let known = clusters[group] { return known }
      let next = detailed?.addCluster() ?? 0
      if group >= 0 { clusters[group] = next }
      return next
    }
    detailed?.add(decision: decision, outcome: outcome == 1, weight: weight, cluster: cluster)
  }
}
