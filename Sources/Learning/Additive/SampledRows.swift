/// The rows that an additive model is fitted to.
struct FittedRows {
  /// The outcome of each row, 0 or 1.
  var outcomes: UnsafePointer<UInt8>
  /// The weight of each row; 0 for rows that are not fitted.
  var mass: UnsafePointer<Double>
  /// The number of rows.
  var count: Int
}

/// Every k-th of the fitted rows, in memory of its own, which must outlive `rows` and `codes`.
final class SampledRows {
  let codes: [UnsafePointer<UInt16>]
  let rows: FittedRows
  private let storage: CodeStorage
  private let mass: Workspace
  private let outcomes: UnsafeMutablePointer<UInt8>

  init(_ binned: BinnedTable, _ all: FittedRows, most: Int, runner: BlockRunner) throws {
    var fitted = 0
    for row in 0..<all.count where all.mass[row] > 0 { fitted += 1 }
    let step = max(1, (fitted + most - 1) / most)
    var picked: [Int] = []
    picked.reserveCapacity(fitted / step + 1)
    var number = 0
    for row in 0..<all.count where all.mass[row] > 0 {
      if number % step == 0 { picked.append(row) }
      number += 1
    }
    let chosen = picked
    storage = CodeStorage(rows: chosen.count, terms: binned.features.count)
    mass = Workspace(count: chosen.count)
    outcomes = .allocate(capacity: max(1, chosen.count))
    for (place, row) in chosen.enumerated() {
      mass.start[place] = all.mass[row]
      outcomes[place] = all.outcomes[row]
    }
    let (target, source, count) = (storage.start, binned.codes.start, all.count)
    codes = binned.features.indices.map { UnsafePointer(target + $0 * chosen.count) }
    rows = FittedRows(outcomes: UnsafePointer(outcomes), mass: UnsafePointer(mass.start), count: chosen.count)
    try runner.run(binned.features.count) { feature, _, _ in
      let (to, from) = (target + feature * chosen.count, source + feature * count)
      for (place, row) in chosen.enumerated() { to[place] = from[row] }
    }
  }

  deinit { outcomes.deallocate() }
}
