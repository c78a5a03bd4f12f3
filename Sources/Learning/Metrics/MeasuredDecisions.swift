/// The decisions on measured rows by outcome, with what their intervals need: the weights, and who the rows belong to.
struct MeasuredDecisions: Sendable, Hashable {
  /// The numbers of rows.
  private(set) var rows: ConfusionMatrix
  /// Σw; the numbers of rows where they have no weights.
  private(set) var weights: WeightedConfusionMatrix
  /// Σw²; nil where the rows have no weights.
  private(set) var squares: WeightedConfusionMatrix?
  /// Σw of each cluster; nil where all rows are independent.
  private(set) var clusters: [WeightedConfusionMatrix]?

  /// Decisions on independent rows.
  ///
  /// - Parameter decided: the weight of each row by its decision; nil for rows without weights.
  init(_ rows: ConfusionMatrix, decided: (zero: Double, one: Double)? = nil) {
    self.rows = rows
    weights = WeightedConfusionMatrix(rows)
    guard let decided else { return }
    let counts = weights
    func total(_ power: (Double) -> Double) -> WeightedConfusionMatrix {
      WeightedConfusionMatrix(
        truePositive: power(decided.one) * counts.truePositive,
        falsePositive: power(decided.one) * counts.falsePositive,
        trueNegative: power(decided.zero) * counts.trueNegative,
        falseNegative: power(decided.zero) * counts.falseNegative)
    }
    weights = total { $0 }
    squares = total { $0 * $0 }
  }

  /// No rows yet.
  ///
  /// - Parameters:
  ///   - isWeighted: whether rows have weights.
  ///   - clusters: the number of clusters; nil for independent rows.
  init(isWeighted: Bool, clusters: Int?) {
    rows = ConfusionMatrix(truePositive: 0, falsePositive: 0, trueNegative: 0, falseNegative: 0)
    weights = .zero
    squares = isWeighted ? .zero : nil
    self.clusters = clusters.map { [WeightedConfusionMatrix](repeating: .zero, count: $0) }
  }

  /// The decisions that a threshold makes on ranked rows.
  init(_ ranking: ScoreRanking, threshold: Double) {
    guard ranking.weights != nil || ranking.clusters != nil else {
      self.init(ConfusionMatrix(ranking, threshold: threshold))
      return
    }
    self.init(isWeighted: ranking.weights != nil, clusters: ranking.clusters?.count)
    for place in ranking.keys.indices {
      add(
        decision: ranking.score(place) >= threshold, outcome: ranking.outcome(place),
        weight: ranking.weight(place), cluster: ranking.clusters.map { Int($0.codes[place]) })
    }
  }

  /// Adds a cluster without rows, and returns its number.
  mutating func addCluster() -> Int {
    clusters?.append(.zero)
    return (clusters?.count ?? 1) - 1
  }

  /// Treats the rows as independent if no two of them share a cluster.
  mutating func forgetSingleClusters() {
    if clusters?.count == rows.total { clusters = nil }
  }

  /// Adds a row.
  mutating func add(decision: Bool, outcome: Bool, weight: Double, cluster: Int?) {
    switch (decision, outcome) {
    case (true, true): rows.truePositive += 1
    case (true, false): rows.falsePositive += 1
    case (false, false): rows.trueNegative += 1
    case (false, true): rows.falseNegative += 1
    }
    weights.add(weight, decision: decision, outcome: outcome)
    squares?.add(weight * weight, decision: decision, outcome: outcome)
    if let cluster { clusters?[cluster].add(weight, decision: decision, outcome: outcome) }
  }

  /// The effective number of the rows that `part` counts, (Σw)² / Σw² (Kish 1965); their number if they have no weights.
  func effectiveRows(_ part: (WeightedConfusionMatrix) -> Double) -> Double {
    guard let squares else { return part(weights) }
    let square = part(squares)
    return square > 0 ? part(weights) * (part(weights) / square) : 0
  }
}
