import CKernels

/// The statistics of a table for the encoder, separately for each fold, so that those of any subset of folds follow without
/// another pass.
struct TableStatistics: Sendable {
  /// Moments by numeric feature and fold.
  var numeric: [[Moments]]
  /// Rows of each level by categorical feature and fold, missing values last.
  var factors: [[[Double]]]
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
    for case .categorical(let codes, let levels) in table.columns {
      try runner.checkCancelled()
      var counts = [Double](repeating: 0, count: (levels.count + 1) * foldCount)
      try folds.withPointer { fold in
        try codes.withUnsafeBufferPointer { codes in
          guard let base = codes.baseAddress else { return }
          for block in BlockRunner.blocks(rows: codes.count, size: 1 << 20) {
            try runner.checkCancelled()
            let part = fold.map { $0 + block.lowerBound }
            ck_count_levels(base + block.lowerBound, part, block.count, levels.count, &counts)
          }
        }
      }
      factors.append(
        (0..<foldCount).map { Array(counts[($0 * (levels.count + 1))..<(($0 + 1) * (levels.count + 1))]) })
    }
  }

  /// The moments of a numeric feature over all folds but `excluded`.
  func moments(_ feature: Int, excluding excluded: Int?) -> Moments {
    var moments = Moments()
    for (fold, part) in numeric[feature].enumerated() where fold != excluded { moments.merge(part) }
    return moments
  }

  /// The level counts of a categorical feature over all folds but `excluded`, missing values last.
  func counts(_ feature: Int, excluding excluded: Int?) -> [Double] {
    var counts = [Double](repeating: 0, count: factors[feature].first?.count ?? 0)
    for (fold, part) in factors[feature].enumerated() where fold != excluded {
      for level in counts.indices { counts[level] += part[level] }
    }
    return counts
  }
}
