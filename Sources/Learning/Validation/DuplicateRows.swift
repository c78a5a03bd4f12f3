import CKernels

/// Counts the measured rows that equal a row of the fitted part in all features, whatever their outcome.
///
/// Few rows of most tables are duplicates, so that nearly all are excluded by one pass over the columns that tell rows apart best:
/// each row has a place among 16 to 32 a row, by the lower bits of a hash. Of the rows that share theirs, those stay that share
/// one by the upper bits, too. Only these are hashed over all columns, with 64 bits. Two different rows of a million have the same
/// hash with a probability of 3e-8.
struct DuplicateRows {
  private let plan: ValidationPlan
  private let runner: BlockRunner
  private let columns: [HashedColumn]
  private let distinguishing: [HashedColumn]
  private let rowCount: Int
  /// The number of bits of a place.
  private let placeBits: Int
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
    var bits = 10
    while 1 << bits < 16 * rowCount, bits < 31 { bits += 1 }
    placeBits = bits
    mask = UInt32((1 << bits) - 1)
  }

  private var blocks: [Range<Int>] { BlockRunner.blocks(rows: rowCount, size: 1 << 15) }

  private func count() throws -> Int {
    let hashes = try hashes()
    let rows = try sharing(hashes)
    var seen = RowsByHash()
    try rows.withUnsafeBufferPointer { rows in
      for block in BlockRunner.blocks(rows: rows.count, size: 1 << 13) {
        try runner.checkCancelled()
        let part = UnsafeBufferPointer(rebasing: rows[block])
        HashedColumn.withHashes(columns, listed: part) { hashes in
          for (row, hash) in zip(part, hashes) where !plan.folds.isLeftOut(Int(row)) {
            let fold = plan.folds.folds[Int(row)]
            seen.add(hash, fold: fold, isMeasured: plan.measured.contains(Int(fold)))
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

  /// The rows that share a place with another row, by the lower and by the upper bits of their hashes.
  private func sharing(_ hashes: [UInt32]) throws -> [UInt32] {
    var bits = freePlaces
    for block in BlockRunner.blocks(rows: rowCount, size: 1 << 18) {
      try runner.checkCancelled()
      hashes.withUnsafeBufferPointer { hashes in
        guard let base = hashes.baseAddress else { return }
        ck_mark_hashes(base + block.lowerBound, block.count, 0, mask, &bits)
      }
    }
    var rows = try listed(hashes, bits)
    let shift = Int32(32 - placeBits)
    bits = freePlaces
    try runner.checkCancelled()
    let count = rows.count
    ck_mark_listed(hashes, rows, count, shift, mask, &bits)
    try runner.checkCancelled()
    let kept = ck_keep_shared(hashes, &rows, count, shift, mask, bits)
    rows.removeLast(count - kept)
    return rows
  }

  /// The rows whose places several rows have, by the lower bits.
  private func listed(_ hashes: [UInt32], _ bits: [UInt64]) throws -> [UInt32] {
    let blocks = blocks
    var counts = [Int](repeating: 0, count: blocks.count)
    return try [UInt32](unsafeUninitializedCapacity: rowCount) { rows, total in
      guard let base = rows.baseAddress else { return }
      try counts.withUnsafeMutableBufferPointer { counts in
        guard let numbers = counts.baseAddress else { return }
        // Each task writes from its own first row on, and its own number.
        try runner.run(blocks.count) { task, _, _ in
          let block = blocks[task]
          numbers[task] = ck_list_shared(
            hashes, block.lowerBound, block.upperBound, 0, mask, bits, base + block.lowerBound)
        }
      }
      for (block, count) in zip(blocks, counts) {
        (base + total).update(from: base + block.lowerBound, count: count)
        total += count
      }
    }
  }

  private var freePlaces: [UInt64] { [UInt64](repeating: 0, count: (Int(mask) + 1) / 32) }
}
