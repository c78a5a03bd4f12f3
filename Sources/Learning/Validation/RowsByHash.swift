/// The folds and the number of measured rows of each hash: an open-addressing table.
struct RowsByHash {
  private struct Entry {
    /// 0 in a free place.
    var hash: UInt64 = 0
    var measured: UInt32 = 0
    var fold: UInt8 = 0
    var isInSeveralFolds = false
  }

  private var entries = [Entry](repeating: Entry(), count: 64)
  private var count = 0

  /// Adds a row.
  mutating func add(_ hash: UInt64, fold: UInt8, isMeasured: Bool) {
    let hash = max(1, hash)
    let place = place(of: hash)
    if entries[place].hash == 0 {
      entries[place].hash = hash
      entries[place].fold = fold
      count += 1
    }
    if entries[place].fold != fold { entries[place].isInSeveralFolds = true }
    entries[place].measured += isMeasured ? 1 : 0
    if count * 4 > entries.count * 3 { grow() }
  }

  /// The measured rows whose hash is in several folds.
  var measuredInSeveralFolds: Int {
    entries.reduce(0) { $0 + ($1.isInSeveralFolds ? Int($1.measured) : 0) }
  }

  private func place(of hash: UInt64) -> Int {
    var place = Int(truncatingIfNeeded: hash) & (entries.count - 1)
    while entries[place].hash != 0, entries[place].hash != hash { place = (place + 1) & (entries.count - 1) }
    return place
  }

  private mutating func grow() {
    let old = entries
    entries = Array(repeating: Entry(), count: 2 * old.count)
    for entry in old where entry.hash != 0 { entries[place(of: entry.hash)] = entry }
  }
}
