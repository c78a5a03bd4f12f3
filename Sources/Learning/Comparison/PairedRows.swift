/// Rows with the predictions of two models for each: the champion, which is in use, and the challenger.
public struct PairedRows: Sendable {
  /// The true outcome of each row, 0 or 1.
  public let outcomes: [UInt8]
  /// The champion's predictions.
  public let champion: HeldOutPredictions
  /// The challenger's predictions.
  public let challenger: HeldOutPredictions
  /// The sample weight of each row; nil if each counts once.
  public let weights: [Double]?
  /// The group of each row, whose rows are not independent of each other; negative for a row that is in none. nil if all rows
  /// are independent.
  public let clusters: [Int32]?

  /// Pairs the predictions of two models.
  ///
  /// - Throws: `LearningError.malformedTable` if there is not one value of each for each row, or a value is out of its range.
  public init(
    outcomes: [UInt8], champion: HeldOutPredictions, challenger: HeldOutPredictions,
    weights: [Double]? = nil, clusters: [Int32]? = nil
  ) throws(LearningError) {
    let counts = [
      champion.scores.count, champion.decisions.count, challenger.scores.count, challenger.decisions.count,
      weights?.count ?? outcomes.count, clusters?.count ?? outcomes.count,
    ]
    guard counts.allSatisfy({ $0 == outcomes.count }),
      [outcomes, champion.decisions, challenger.decisions].allSatisfy({ $0.allSatisfy { $0 <= 1 } }),
      [champion.scores, challenger.scores].allSatisfy({ $0.allSatisfy { $0 >= 0 && $0 <= 1 } }),
      weights?.allSatisfy({ $0 > 0 && $0 < .infinity }) ?? true
    else {
      throw .malformedTable(
        detail: "Two models are compared by a score from 0 to 1 and a decision of each about every row.")
    }
    self.outcomes = outcomes
    self.champion = champion
    self.challenger = challenger
    self.weights = weights
    self.clusters = clusters
  }

  /// The number of rows.
  public var count: Int { outcomes.count }

  /// Whether both models predict the same for every row.
  var areAlike: Bool { champion == challenger }

  /// The weight of a row.
  func weight(_ row: Int) -> Double { weights?[row] ?? 1 }

  /// The variance of a difference, from the influence of each row on it, which add up to 0: the sum of their squares.
  ///
  /// The influences of a cluster's rows are added before they are squared (Obuchowski 1997, for the area; Liang and Zeger 1986).
  ///
  /// - Parameter influences: the influence of each row.
  /// - Returns: the variance with the correction n / (n − 1) for the number of independent units; nil with fewer than two.
  func variance(_ influences: [Double]) -> Double? {
    let sums = clusters == nil ? influences : sumsByCluster(influences)
    guard sums.count > 1 else { return nil }
    let squares = sums.reduce(0) { $0 + $1 * $1 }
    return squares * Double(sums.count) / Double(sums.count - 1)
  }

  private func sumsByCluster(_ influences: [Double]) -> [Double] {
    let units = ResamplingUnits(rows: self)
    var sums = [Double](repeating: 0, count: units.count)
    for (row, unit) in units.unitOf.enumerated() { sums[Int(unit)] += influences[row] }
    return sums
  }
}

/// The independent units of rows: clusters, and rows in none.
struct ResamplingUnits: Sendable {
  /// The unit of each row.
  private(set) var unitOf: [Int32]
  /// The number of units.
  private(set) var count: Int

  /// The units of paired rows.
  init(rows: PairedRows) {
    guard let clusters = rows.clusters else {
      unitOf = (0..<Int32(clamping: rows.count)).map { $0 }
      count = rows.count
      return
    }
    var known: [Int32: Int32] = [:]
    var next: Int32 = 0
    unitOf = clusters.map { cluster in
      if cluster >= 0, let unit = known[cluster] { return unit }
      defer { next += 1 }
      if cluster >= 0 { known[cluster] = next }
      return next
    }
    count = Int(next)
  }

  /// Joins units at random until there are at most so many. The joined units are independent of each other, too.
  mutating func join(atMost limit: Int, using generator: inout SplitMix64) {
    guard count > limit else { return }
    let joined = (0..<count).map { _ in Int32(generator.below(limit)) }
    for row in unitOf.indices { unitOf[row] = joined[Int(unitOf[row])] }
    count = limit
  }
}
