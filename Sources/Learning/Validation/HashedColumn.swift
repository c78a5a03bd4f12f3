import CKernels

/// A column of a table as a source of hashes.
enum HashedColumn {
  case numbers(UnsafePointer<Double>)
  case codes(UnsafePointer<Int32>)

  /// Mixes the values of consecutive rows into their hashes.
  func mix(_ rows: Range<Int>, into hashes: UnsafeMutablePointer<UInt64>) {
    switch self {
    case .numbers(let values): ck_hash_numbers(values + rows.lowerBound, rows.count, hashes)
    case .codes(let codes): ck_hash_codes(codes + rows.lowerBound, rows.count, hashes)
    }
  }

  /// Mixes the values of listed rows into their hashes.
  func mix(listed rows: UnsafeBufferPointer<UInt32>, into hashes: UnsafeMutablePointer<UInt64>) {
    guard let base = rows.baseAddress else { return }
    switch self {
    case .numbers(let values): ck_hash_listed_numbers(values, base, rows.count, hashes)
    case .codes(let codes): ck_hash_listed_codes(codes, base, rows.count, hashes)
    }
  }

  /// Calls `body` with the hashes of listed rows over some columns.
  static func withHashes<Result>(
    _ columns: [HashedColumn], listed rows: UnsafeBufferPointer<UInt32>,
    _ body: (UnsafeBufferPointer<UInt64>) throws -> Result
  ) rethrows -> Result {
    try withUnsafeTemporaryAllocation(of: UInt64.self, capacity: rows.count) { hashes in
      hashes.initialize(repeating: 0)
      if let base = hashes.baseAddress {
        for column in columns { column.mix(listed: rows, into: base) }
      }
      return try body(UnsafeBufferPointer(hashes))
    }
  }

  /// The columns of a table that tell nearly all rows of a sample apart, those with the most different values first; all
  /// columns if they do not.
  static func distinguishing(_ pinned: PinnedTable) -> [HashedColumn] {
    let columns = pinned.numeric.map { HashedColumn.numbers($0) } + pinned.codes.map { .codes($0) }
    let size = min(pinned.rowCount, 512)
    let sample = (0..<size).map { UInt32($0 * pinned.rowCount / size) }
    return sample.withUnsafeBufferPointer { sample in
      func distinct(_ columns: [HashedColumn]) -> Int {
        withHashes(columns, listed: sample) { Set($0).count }
      }
      // Further columns are seldom needed.
      let ranked = columns.prefix(64).map { (column: $0, distinct: distinct([$0])) }
        .enumerated().sorted { ($1.element.distinct, $0.offset) < ($0.element.distinct, $1.offset) }
        .map(\.element)
      let ordered = ranked.map(\.column) + columns.dropFirst(64)
      var chosen: [HashedColumn] = []
      for column in ordered.prefix(8) {
        chosen.append(column)
        if distinct(chosen) >= size - size / 20 { return chosen }
      }
      return ordered
    }
  }
}
