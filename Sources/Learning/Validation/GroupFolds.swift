/// The assignment of whole groups to folds, so that each fold has its share of the rows of each outcome as nearly as the groups
/// allow.
///
/// The groups are dealt from the largest to the smallest, each to the fold that it brings nearest to the wanted numbers of rows.
/// scikit-learn's StratifiedGroupKFold is of this kind. Deviations are relative to the wanted numbers, so that also a small fold
/// has its share of large groups, and both outcomes count the same.
struct GroupFolds {
  /// The fold of each group.
  private(set) var folds: [UInt8]
  /// The number of rows with outcome 0 and 1 in each fold.
  private(set) var rows: [[Int]]
  private let groups: RowGroups
  private let totals: [Int]

  /// Deals the groups to one fold for each of `shares`, which add up to 1.
  init(_ groups: RowGroups, shares: [Double], seed: UInt64, checkpoint: () throws -> Void) throws {
    let count = shares.count
    let totals = [0, 1].map { outcome in
      (0..<groups.count).reduce(0) { $0 + Int(groups.sizes[2 * $1 + outcome]) }
    }
    // By 2 · fold + outcome: the numbers of rows, those wanted, and the weights of the squared deviations.
    var have = [Double](repeating: 0, count: 2 * count)
    var wanted = have
    var weight = have
    for fold in 0..<count {
      for outcome in 0...1 {
        wanted[2 * fold + outcome] = shares[fold] * Double(totals[outcome])
        weight[2 * fold + outcome] = 1 / (wanted[2 * fold + outcome] * Double(totals[outcome]))
      }
    }
    folds = [UInt8](repeating: 0, count: groups.count)
    for (step, group) in try groups.largestFirst(seed: seed, checkpoint: checkpoint).enumerated() {
      if step % (1 << 16) == 0 { try checkpoint() }
      let size = [Double(groups.sizes[2 * Int(group)]), Double(groups.sizes[2 * Int(group) + 1])]
      var (best, least) = (0, Double.infinity)
      for fold in 0..<count {
        // The growth of the weighted squares of the deviations.
        var growth = 0.0
        for outcome in 0...1 {
          let place = 2 * fold + outcome
          growth += weight[place] * size[outcome] * (2 * (have[place] - wanted[place]) + size[outcome])
        }
        if growth < least { (best, least) = (fold, growth) }
      }
      folds[Int(group)] = UInt8(best)
      have[2 * best] += size[0]
      have[2 * best + 1] += size[1]
    }
    rows = (0..<count).map { [Int(have[2 * $0]), Int(have[2 * $0 + 1])] }
    self.groups = groups
    self.totals = totals
  }

  /// Moves single groups until no side lacks an outcome: neither the rows of a fold, if `isEachMeasured`, nor those of all others.
  ///
  /// - Returns: whether that was possible.
  mutating func repair(isEachMeasured: Bool) -> Bool {
    for _ in 0..<4 {
      guard let (outcome, receiver, donor) = gap(isEachMeasured: isEachMeasured) else { return true }
      guard move(outcome, from: donor, to: receiver, isEachMeasured: isEachMeasured) else { return false }
    }
    return gap(isEachMeasured: isEachMeasured) == nil
  }

  /// An outcome that is missing on a side, the fold that should get rows with it, and the fold to take them from.
  private func gap(isEachMeasured: Bool) -> (outcome: Int, receiver: Int, donor: Int)? {
    for outcome in 0...1 {
      for fold in rows.indices where rows[fold][outcome] == totals[outcome] {
        let others = rows.indices.filter { $0 != fold }
        guard let receiver = others.min(by: { total($0) < total($1) }) else { continue }
        return (outcome, receiver, fold)
      }
      for fold in rows.indices where isEachMeasured && rows[fold][outcome] == 0 {
        guard let donor = rows.indices.max(by: { rows[$0][outcome] < rows[$1][outcome] }) else { continue }
        return (outcome, fold, donor)
      }
    }
    return nil
  }

  private func total(_ fold: Int) -> Int { rows[fold][0] + rows[fold][1] }

  /// Moves the smallest group that has the outcome and that the donor can spare.
  private mutating func move(
    _ outcome: Int, from donor: Int, to receiver: Int, isEachMeasured: Bool
  ) -> Bool {
    var best: (group: Int, rows: Int)?
    for group in folds.indices where folds[group] == UInt8(donor) {
      let size = groups.size(group)
      guard size[outcome] > 0, size[0] + size[1] < best?.rows ?? .max else { continue }
      // The receiver must not get all rows of an outcome, nor the donor lose its last ones if it is measured.
      let isAllowed = (0...1).allSatisfy { side in
        size[side] == 0
          || (rows[receiver][side] + size[side] < totals[side]
            && (!isEachMeasured || rows[donor][side] > size[side]))
      }
      guard isAllowed else { continue }
      best = (group, size[0] + size[1])
    }
    guard let best else { return false }
    folds[best.group] = UInt8(receiver)
    for side in 0...1 {
      rows[donor][side] -= groups.size(best.group)[side]
      rows[receiver][side] += groups.size(best.group)[side]
    }
    return true
  }
}
