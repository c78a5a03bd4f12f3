import CKernels

/// Scores in ascending order with their outcomes, from which ranking metrics, losses, curves and thresholds are computed.
struct ScoreRanking: Sendable {
  /// The rows with one score.
  struct Group: Sendable, Hashable {
    var score: Double
    var positives: Int
    var negatives: Int
  }

  /// A row as an integer that sorts like its score: a double in 0…1 has its two highest bits clear and orders like its
  /// bit pattern, which leaves the lowest bit for the outcome.
  static func key(score: Double, outcome: UInt8) -> UInt64 {
    (score == 0 ? 0 : score.bitPattern << 1) | UInt64(outcome)
  }

  /// One key a row, ascending.
  let keys: [UInt64]
  let positives: Int
  let negatives: Int
  /// The number of distinct scores.
  let groupCount: Int

  /// Sorts rows with scores within 0…1.
  init(scores: [Double], outcomes: [UInt8]) {
    self.init(keys: scores.indices.map { Self.key(score: scores[$0], outcome: outcomes[$0]) }) {}
  }

  /// Sorts keys; `checkpoint` is called every few milliseconds and cancels by throwing.
  init(keys: consuming [UInt64], checkpoint: () throws -> Void) rethrows {
    self.keys = try Self.sorted(keys, checkpoint: checkpoint)
    var (positives, groups) = (0, 0)
    var last = UInt64.max
    for key in self.keys {
      positives += Int(key & 1)
      if key >> 1 != last {
        groups += 1
        last = key >> 1
      }
    }
    self.positives = positives
    negatives = self.keys.count - positives
    groupCount = groups
  }

  /// The groups of rows with equal scores, ascending.
  var ascending: Groups { Groups(keys: keys, position: 0, step: 1) }
  /// The same groups, descending.
  var descending: Groups { Groups(keys: keys, position: keys.count - 1, step: -1) }

  /// Iterates over the groups without storing them.
  struct Groups: Sequence, IteratorProtocol {
    let keys: [UInt64]
    var position: Int
    let step: Int

    mutating func next() -> Group? {
      guard keys.indices.contains(position) else { return nil }
      let bits = keys[position] >> 1
      var group = Group(score: Double(bitPattern: bits), positives: 0, negatives: 0)
      while keys.indices.contains(position), keys[position] >> 1 == bits {
        let outcome = Int(keys[position] & 1)
        group.positives += outcome
        group.negatives += 1 - outcome
        position += step
      }
      return group
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
}

extension ScoreRanking {
  /// Area under the ROC curve: the share of pairs of a positive and a negative row in which the positive one has the
  /// higher score, ties counting half. nil if there is no such pair.
  var rocAUC: Double? {
    guard positives > 0, negatives > 0 else { return nil }
    var below = 0
    var doubled = 0
    for group in ascending {
      doubled += group.positives * (2 * below + group.negatives)
      below += group.negatives
    }
    return Double(doubled) / (2 * Double(positives) * Double(negatives))
  }

  /// Average precision Σ (Rᵢ − Rᵢ₋₁)·Pᵢ over falling thresholds, as scikit-learn defines it. nil without positives.
  var averagePrecision: Double? {
    guard positives > 0 else { return nil }
    var found = 0
    var taken = 0
    var sum = 0.0
    for group in descending {
      found += group.positives
      taken += group.positives + group.negatives
      if group.positives > 0 { sum += Double(group.positives) * (Double(found) / Double(taken)) }
    }
    return sum / Double(positives)
  }
}
