import CKernels

/// Counts the measured rows that equal a row of the fitted part in all features, whatever their outcome.
///
/// Few rows of most tables are duplicates, so that nearly all are excluded by one pass over the columns that tell rows apart best:
/// each row has a bit in a set of 16 to 32 bits a row. Only the rows that share a bit with one of the other side are hashed over
/// all columns, with 64 bits. Two different rows of a million have the same hash with a probability of 3e-8.
struct DuplicateRows {
  private let plan: ValidationPlan
  private let runner: BlockRunner
  private let columns: [HashedColumn]
  private let distinguishing: [HashedColumn]
  private let rowCount: Int
  private let mask: UInt32

  /// The measured rows that have a duplicate in the fitted part of their fit.
  ///
  /// - Throws: the errors of the runner, which is asked every few milliseconds.
  static func count(_ pinned: PinnedTable, plan: ValidationPlan, runner: BlockRunner) throws -> Int {
    guard !plan.measured.isEmpty, pinned.numeric.count + pinned.codes.count > 0,
      pinned.rowCount <= Int(UInt32.max)
    else { return 0 }
    return try DuplicateRows(pinned, plan, runner).count()
  }

  private init(_ pinned: PinnedTable, _ plan: ValidationPlan, _ runner: BlockRunner) {
    self.plan = plan
    self.runner = runner
    rowCount = pinned.rowCount
    columns = pinned.numeric.map { HashedColumn.numbers($0) } + pinned.codes.map { .codes($0) }
    distinguishing = HashedColumn.distinguishing(pinned)
    var bits = 1 << 10
    while bits < 16 * rowCount, bits < 1 << 31 { bits *= 2 }
    mask = UInt32(bits - 1)
  }

  private var blocks: [Range<Int>] { BlockRunner.blocks(rows: rowCount, size: 1 << 15) }

  private func count() throws -> Int {
    let hashes = try hashes()
    var seen = RowsByHash()
    for rows in try plan.measured.count == 1 ? sharedBySides(hashes) : shared(hashes) {
      try rows.withUnsafeBufferPointer { rows in
        for block in BlockRunner.blocks(rows: rows.count, size: 1 << 13) {
          try runner.checkCancelled()
          let part = UnsafeBufferPointer(rebasing: rows[block])
          HashedColumn.withHashes(columns, listed: part) { hashes in
            for (row, hash) in zip(part, hashes) {
              let fold = plan.folds.folds[Int(row)]
              seen.add(hash, fold: fold, isMeasured: plan.measured.contains(Int(fold)))
            }
          }
        }
      }
    }
    return seen.measuredInSeveralFolds
  }

  /// A hash of each row over the columns that tell rows apart best.
  private func hashes() throws -> [UInt32] {
    var hashes = [UInt32](repeating: 0, count: rowCount)
    let blocks = blocks
    try hashes.withUnsafeMutableBufferPointer { hashes in
      guard let base = hashes.baseAddress else { return }
      // Each task writes its own rows.
      try runner.run(blocks.count) { task, _, _ in
        let rows = blocks[task]
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: rows.count) { long in
          long.initialize(repeating: 0)
          guard let start = long.baseAddress else { return }
          for column in distinguishing { column.mix(rows, into: start) }
          ck_finish_hashes(start, rows.count, base + rows.lowerBound)
        }
      }
    }
    return hashes
  }

  /// The rows of folds that share a bit with any other row.
  private func shared(_ hashes: [UInt32]) throws -> [[UInt32]] {
    var (once, twice) = (bits, bits)
    try plan.folds.withPointer { fold in
      for block in BlockRunner.blocks(rows: rowCount, size: 1 << 18) {
        try runner.checkCancelled()
        ck_mark_hashes(hashes, fold, nil, -1, block.lowerBound, block.upperBound, mask, &once, &twice)
      }
    }
    return [try listed(hashes, fold: -1, twice)]
  }

  /// The rows of the fitted and of the measured part that share a bit with one of the other part.
  private func sharedBySides(_ hashes: [UInt32]) throws -> [[UInt32]] {
    let (measured, fitted) = (Int32(plan.measured[0]), Int32(1 - plan.measured[0]))
    var set = bits
    try plan.folds.withPointer { fold in
      try withLeftOut { leftOut in
        for block in BlockRunner.blocks(rows: rowCount, size: 1 << 18) {
          try runner.checkCancelled()
          ck_mark_hashes(hashes, fold, leftOut, measured, block.lowerBound, block.upperBound, mask, &set, nil)
        }
      }
    }
    let met = try listed(hashes, fold: fitted, set)
    set = bits
    for block in BlockRunner.blocks(rows: met.count, size: 1 << 18) {
      try runner.checkCancelled()
      met.withUnsafeBufferPointer { met in
        guard let base = met.baseAddress else { return }
        ck_mark_listed(hashes, base + block.lowerBound, block.count, mask, &set)
      }
    }
    return [met, met.isEmpty ? [] : try listed(hashes, fold: measured, set)]
  }

  /// The rows of a fold, or of all if it is negative, whose bits are set.
  private func listed(_ hashes: [UInt32], fold only: Int32, _ set: [UInt64]) throws -> [UInt32] {
    let blocks = blocks
    var counts = [Int](repeating: 0, count: blocks.count)
    return try [UInt32](unsafeUninitializedCapacity: rowCount) { rows, total in
      guard let base = rows.baseAddress else { return }
      try counts.withUnsafeMutableBufferPointer { counts in
        guard let numbers = counts.baseAddress else { return }
        try plan.folds.withPointer { fold in
          try withLeftOut { leftOut in
            // Each task writes from its own first row on, and its own number.
            try runner.run(blocks.count) { task, _, _ in
              let block = blocks[task]
              numbers[task] = ck_list_marked(
                hashes, fold, leftOut, only, block.lowerBound, block.upperBound, mask, set,
                base + block.lowerBound)
            }
          }
        }
      }
      for (block, count) in zip(blocks, counts) {
        (base + total).update(from: base + block.lowerBound, count: count)
        total += count
      }
    }
  }

  private var bits: [UInt64] { [UInt64](repeating: 0, count: (Int(mask) + 1) / 64) }

  private func withLeftOut<Result>(_ body: (UnsafePointer<UInt8>?) throws -> Result) rethrows -> Result {
    try plan.folds.leftOut.withUnsafeBufferPointer { try body($0.isEmpty ? nil : $0.baseAddress) }
  }
}
