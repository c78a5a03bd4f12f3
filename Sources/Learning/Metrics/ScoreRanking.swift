import CKernels

/// Scores in ascending order, equal ones together, each with how many rows of either outcome have it: all that
/// ranking measures, curves and thresholds are made of.
struct ScoreRanking: Sendable {
  /// The rows with one score.
  struct Group: Sendable, Hashable {
    var score: Double
    var positives: Int
    var negatives: Int
  }

  let groups: [Group]
  let positives: Int
  let negatives: Int

  /// Sorts; scores are within 0…1.
  init(scores: [Double], outcomes: [UInt8]) {
    // A double of 0…1 has its two highest bits clear and orders like its bit pattern, so that it makes room for the
    // outcome in the lowest bit of a whole number.
    var keys = scores.indices.map {
      (scores[$0] == 0 ? 0 : scores[$0].bitPattern << 1) | UInt64(outcomes[$0])
    }
    var scratch = [UInt64](repeating: 0, count: keys.count)
    ck_sort(&keys, &scratch, keys.count)
    var groups: [Group] = []
    var last: UInt64?
    var group = Group(score: 0, positives: 0, negatives: 0)
    var positives = 0
    for key in keys {
      let bits = key >> 1
      if bits != last {
        if last != nil { groups.append(group) }
        group = Group(score: Double(bitPattern: bits), positives: 0, negatives: 0)
        last = bits
      }
      if key & 1 == 1 {
        group.positives += 1
        positives += 1
      } else {
        group.negatives += 1
      }
    }
    if last != nil { groups.append(group) }
    self.groups = groups
    self.positives = positives
    negatives = keys.count - positives
  }

  /// Area under the ROC curve: the share of pairs of a positive and a negative row in which the positive one has the
  /// higher score, ties counting half. nil if there is no such pair.
  var rocAUC: Double? {
    guard positives > 0, negatives > 0 else { return nil }
    var below = 0
    var doubled = 0
    for group in groups {
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
    for group in groups.reversed() {
      found += group.positives
      taken += group.positives + group.negatives
      if group.positives > 0 { sum += Double(group.positives) * (Double(found) / Double(taken)) }
    }
    return sum / Double(positives)
  }
}
