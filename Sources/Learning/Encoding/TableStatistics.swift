import CKernels

/// The statistics of a table for the encoder, separately for each fold, so that those of any subset of folds follow without
/// another pass.
struct TableStatistics: Sendable {
  /// Moments by numeric feature and fold.
  var numeric: [[Moments]]
  /// Rows of each level by categorical feature and fold, missing values last.
  var factors: [[[Double]]]
  /// The total weight of these rows; equal to `factors` where rows have no weights.
  var levelWeights: [[[Double]]]
  /// The total weight of the rows with outcome 0 and 1, and that of its squares, by fold; nil where rows have no weights.
  var outcomeWeights: [OutcomeWeights]?
  /// The number of folds.
  var folds: Int

  /// Computes the statistics in one pass over the table.
  init(_ table: TrainingTable, pinned: PinnedTable, folds: FoldAssignment, runner: BlockRunner) throws {
    self.folds = folds.count
    let blocks = BlockRunner.blocks(rows: pinned.rowCount, size: 32_768)
    let foldCount = folds.count
    var parts = [ck_moments](
      repeating: ck_moments(), count: blocks.count * pinned.numeric.count * foldCount)
    try folds.withPointer { fold in
      try parts.withUnsafeMutableBufferPointer { parts in
        // Each task writes a disjoint range of `parts`.
        guard let base = parts.baseAddress else { return }
        try runner.run(blocks.count * pinned.numeric.count) { task, _, _ in
          let block = blocks[task / pinned.numeric.count]
          if let weights = pinned.weights {
            return ck_weighted_moments(
              pinned.numeric[task % pinned.numeric.count], weights, fold, foldCount, block.lowerBound,
              block.upperBound, base + task * foldCount)
          }
          ck_column_moments(
            runner.instructionSet, pinned.numeric[task % pinned.numeric.count], fold, foldCount,
            block.lowerBound, block.upperBound, base + task * foldCount)
        }
      }
    }
    numeric = pinned.numeric.indices.map { column in
      (0..<foldCount).map { fold in
        var moments = Moments()
        for block in blocks.indices {
          moments.merge(Moments(parts[(block * pinned.numeric.count + column) * foldCount + fold]))
        }
        return moments
      }
    }
    factors = []
    levelWeights = []
    outcomeWeights = try table.attributes.weights.map {
      try OutcomeWeights.perFold(table.outcomes, $0, folds: folds, checkpoint: runner.checkCancelled)
    }
    for case .categorical(let codes, let levels) in table.columns {
      try runner.checkCancelled()
      var counts = [Double](repeating: 0, count: (levels.count + 1) * foldCount)
      var masses = pinned.weights == nil ? [] : counts
      try folds.withPointer { fold in
        try codes.withUnsafeBufferPointer { codes in
          guard let base = codes.baseAddress else { return }
          for block in BlockRunner.blocks(rows: codes.count, size: 1 << 20) {
            try runner.checkCancelled()
            let part = fold.map { $0 + block.lowerBound }
            ck_count_levels(base + block.lowerBound, part, block.count, levels.count, &counts)
            if let weights = pinned.weights {
              ck_weigh_levels(
                base + block.lowerBound, weights + block.lowerBound, part, block.count, levels.count, &masses)
            }
          }
        }
      }
      func perFold(_ values: [Double]) -> [[Double]] {
        (0..<foldCount).map { Array(values[($0 * (levels.count + 1))..<(($0 + 1) * (levels.count + 1))]) }
      }
      factors.append(perFold(counts))
      if !masses.isEmpty { levelWeights.append(perFold(masses)) }
    }
    if pinned.weights == nil { levelWeights = factors }
  }

  /// The moments of a numeric feature over all folds but `excluded`.
  func moments(_ feature: Int, excluding excluded: Int?) -> Moments {
    var moments = Moments()
    for (fold, part) in numeric[feature].enumerated() where fold != excluded { moments.merge(part) }
    return moments
  }

  /// The level counts of a categorical feature over all folds but `excluded`, missing values last.
  func counts(_ feature: Int, excluding excluded: Int?) -> [Double] {
    Self.sum(factors[feature], excluding: excluded)
  }

  /// The total weights of the same rows.
  func weights(_ feature: Int, excluding excluded: Int?) -> [Double] {
    Self.sum(levelWeights[feature], excluding: excluded)
  }

  private static func sum(_ parts: [[Double]], excluding excluded: Int?) -> [Double] {
    var counts = [Double](repeating: 0, count: parts.first?.count ?? 0)
    for (fold, part) in parts.enumerated() where fold != excluded {
      for level in counts.indices { counts[level] += part[level] }
    }
    return counts
  }
}
