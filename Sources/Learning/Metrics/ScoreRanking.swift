import CKernels

/// Scores in ascending order with their outcomes, from which ranking metrics, losses, curves and thresholds are computed. Rows may
/// have weights, and may belong to clusters of dependent rows.
struct ScoreRanking: Sendable {
  /// The rows with one score.
  struct Group: Sendable, Hashable {
    var score: Double
    /// The total weight of the rows with outcome 1; their number without weights.
    var positives: Double
    /// The same of the rows with outcome 0.
    var negatives: Double
    /// The number of rows with outcome 1.
    var positiveRows: Int
    /// The places of the rows in the ranking.
    var places: Range<Int>

    /// The number of rows with outcome 0.
    var negativeRows: Int { places.count - positiveRows }
  }

  /// The clusters of the rows.
  struct Clusters: Sendable {
    /// The cluster of each row, from 0, in the order of the ranking.
    var codes: [Int32]
    /// The number of clusters.
    var count: Int
  }

  /// A row as an integer that sorts like its score: a double in 0…1 has its two highest bits clear and orders like its
  /// bit pattern, which leaves the lowest bit for the outcome.
  static func key(score: Double, outcome: UInt8) -> UInt64 {
    (score == 0 ? 0 : score.bitPattern << 1) | UInt64(outcome)
  }

  /// One key a row, ascending.
  let keys: [UInt64]
  /// The weight of each row in the order of the keys; nil where all rows weigh the same.
  let weights: [Double]?
  /// The clusters; nil where all rows are independent.
  let clusters: Clusters?
  /// The number of rows with outcome 1.
  let positiveRows: Int
  /// The total weight of the rows with outcome 1; their number without weights.
  let positives: Double
  /// The same of the rows with outcome 0.
  let negatives: Double
  /// The effective number of rows with outcome 1, (Σw)² / Σw² (Kish 1965); their number without weights.
  let effectivePositives: Double
  /// The same of the rows with outcome 0.
  let effectiveNegatives: Double
  /// The effective number of all rows.
  let effectiveRows: Double
  /// The number of distinct scores.
  let groupCount: Int

  /// The number of rows with outcome 0.
  var negativeRows: Int { keys.count - positiveRows }
  /// The total weight of all rows.
  var total: Double { positives + negatives }

  /// The score of the row at a place of the ranking.
  func score(_ place: Int) -> Double { Double(bitPattern: keys[place] >> 1) }
  /// Its outcome.
  func outcome(_ place: Int) -> Bool { keys[place] & 1 == 1 }
  /// Its weight.
  func weight(_ place: Int) -> Double { weights?[place] ?? 1 }

  /// Sorts rows with scores within 0…1.
  init(scores: [Double], outcomes: [UInt8], weights: [Double]? = nil, groups: [Int32]? = nil) {
    self.init(
      keys: scores.indices.map { Self.key(score: scores[$0], outcome: outcomes[$0]) }, weights: weights,
      groups: groups
    ) {}
  }

  /// Sorts keys; `checkpoint` is called every few milliseconds and cancels by throwing.
  ///
  /// - Parameters:
  ///   - weights: the weight of each key's row, above 0; nil for rows that weigh the same.
  ///   - groups: the code of the group that each key's row belongs to, negative for a row on its own; nil without groups.
  init(
    keys: consuming [UInt64], weights: [Double]? = nil, groups: [Int32]? = nil, checkpoint: () throws -> Void
  ) rethrows {
    let clusters = groups.flatMap { Self.clusters($0) }
    if weights == nil, clusters == nil {
      self.keys = try Self.sorted(keys, checkpoint: checkpoint)
      self.weights = nil
      self.clusters = nil
    } else {
      let (sorted, order) = try Self.sortedWithOrder(keys, checkpoint: checkpoint)
      try checkpoint()
      self.keys = sorted
      self.weights = weights.map { weights in order.map { weights[Int($0)] } }
      try checkpoint()
      self.clusters = clusters.map { clusters in
        Clusters(codes: order.map { clusters.codes[Int($0)] }, count: clusters.count)
      }
    }
    var (positiveRows, groups) = (0, 0)
    var last = UInt64.max
    for key in self.keys {
      positiveRows += Int(key & 1)
      if key >> 1 != last {
        groups += 1
        last = key >> 1
      }
    }
    self.positiveRows = positiveRows
    groupCount = groups
    var sums = [Double(self.keys.count - positiveRows), Double(positiveRows)]
    var squares = sums
    if let weights = self.weights {
      (sums, squares) = ([0, 0], [0, 0])
      for (key, weight) in zip(self.keys, weights) {
        sums[Int(key & 1)] += weight
        squares[Int(key & 1)] += weight * weight
      }
    }
    (negatives, positives) = (sums[0], sums[1])
    effectiveNegatives = squares[0] > 0 ? sums[0] * (sums[0] / squares[0]) : 0
    effectivePositives = squares[1] > 0 ? sums[1] * (sums[1] / squares[1]) : 0
    let (all, allSquares) = (sums[0] + sums[1], squares[0] + squares[1])
    effectiveRows = allSquares > 0 ? all * (all / allSquares) : 0
  }

  /// Numbers the clusters from 0. A row without a group is a cluster of its own. nil if no two rows share a cluster.
  private static func clusters(_ groups: [Int32]) -> Clusters? {
    var known: [Int32: Int32] = [:]
    var count: Int32 = 0
    let codes = groups.map { group in
      if group >= 0, let code = known[group] { return code }
      defer { count += 1 }
      if group >= 0 { known[group] = count }
      return count
    }
    return Int(count) < groups.count ? Clusters(codes: codes, count: Int(count)) : nil
  }

  /// The groups of rows with equal scores, ascending.
  var ascending: Groups { Groups(keys: keys, weights: weights, position: 0, step: 1) }
  /// The same groups, descending.
  var descending: Groups { Groups(keys: keys, weights: weights, position: keys.count - 1, step: -1) }

  /// Iterates over the groups without storing them.
  struct Groups: Sequence, IteratorProtocol {
    let keys: [UInt64]
    let weights: [Double]?
    var position: Int
    let step: Int

    mutating func next() -> Group? {
      guard keys.indices.contains(position) else { return nil }
      let bits = keys[position] >> 1
      let first = position
      var positiveRows = 0
      var totals = (0.0, 0.0)
      while keys.indices.contains(position), keys[position] >> 1 == bits {
        let outcome = Int(keys[position] & 1)
        positiveRows += outcome
        if let weights {
          if outcome == 1 { totals.1 += weights[position] } else { totals.0 += weights[position] }
        }
        position += step
      }
      let places = step > 0 ? first..<position : position + 1..<first + 1
      if weights == nil { totals = (Double(places.count - positiveRows), Double(positiveRows)) }
      return Group(
        score: Double(bitPattern: bits), positives: totals.1, negatives: totals.0, positiveRows: positiveRows,
        places: places)
    }
  }

  /// Radix sort from the lowest byte up (Knuth, The Art of Computer Programming 3, 5.2.5), one stretch of keys at a time.
  static func sorted(
    _ keys: consuming [UInt64], checkpoint: () throws -> Void
  ) rethrows -> [UInt64] {
    let stretches = BlockRunner.blocks(rows: keys.count, size: 1 << 20)
    var counts = [Int](repeating: 0, count: 8 * 256)
    for stretch in stretches {
      try checkpoint()
      keys.withUnsafeBufferPointer { keys in
        guard let base = keys.baseAddress else { return }
        ck_count_digits(base + stretch.lowerBound, stretch.count, &counts)
      }
    }
    var other = [UInt64](repeating: 0, count: keys.count)
    for digit in 0..<8 {
      var places = Array(counts[(256 * digit)..<(256 * digit + 256)])
      guard ck_begin_digit(&places, keys.count) != 0 else { continue }
      for stretch in stretches {
        try checkpoint()
        keys.withUnsafeBufferPointer { keys in
          guard let base = keys.baseAddress else { return }
          ck_deal_digit(base + stretch.lowerBound, stretch.count, Int32(digit), &places, &other)
        }
      }
      swap(&keys, &other)
    }
    return keys
  }

  /// The same sort, with the place that each key had.
  private static func sortedWithOrder(
    _ keys: consuming [UInt64], checkpoint: () throws -> Void
  ) rethrows -> (keys: [UInt64], order: [Int32]) {
    let stretches = BlockRunner.blocks(rows: keys.count, size: 1 << 20)
    var order = (0..<Int32(keys.count)).map { $0 }
    var counts = [Int](repeating: 0, count: 8 * 256)
    for stretch in stretches {
      try checkpoint()
      keys.withUnsafeBufferPointer { keys in
        guard let base = keys.baseAddress else { return }
        ck_count_digits(base + stretch.lowerBound, stretch.count, &counts)
      }
    }
    var other = [UInt64](repeating: 0, count: keys.count)
    var otherOrder = [Int32](repeating: 0, count: keys.count)
    for digit in 0..<8 {
      var places = Array(counts[(256 * digit)..<(256 * digit + 256)])
      guard ck_begin_digit(&places, keys.count) != 0 else { continue }
      for stretch in stretches {
        try checkpoint()
        keys.withUnsafeBufferPointer { keys in
          order.withUnsafeBufferPointer { order in
            guard let base = keys.baseAddress, let start = order.baseAddress else { return }
            ck_deal_digit_with_order(
              base + stretch.lowerBound, start + stretch.lowerBound, stretch.count, Int32(digit), &places,
              &other,
              &otherOrder)
          }
        }
      }
      swap(&keys, &other)
      swap(&order, &otherOrder)
    }
    return (keys, order)
  }
}
