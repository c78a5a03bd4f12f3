/// Which fold each row belongs to.
struct FoldAssignment: Sendable, Hashable {
  /// One fold number a row; empty if there is one fold only.
  let folds: [UInt8]
  /// Folds there are; at least 1.
  let count: Int

  /// All rows in one fold.
  static let whole = FoldAssignment(folds: [], count: 1)

  private init(folds: [UInt8], count: Int) {
    self.folds = folds
    self.count = count
  }

  /// Deals the rows of each outcome to folds of the sizes given (`quotas[outcome][fold]`, which add up to the rows
  /// of the outcome), every assignment with these sizes equally likely: each row in turn falls to a fold with the
  /// probability (places left there) / (places left), which is sequential sampling without replacement.
  ///
  /// `checkpoint` is called every few milliseconds and ends the work by throwing.
  init(outcomes: [UInt8], quotas: [[Int]], seed: UInt64, checkpoint: () throws -> Void) rethrows {
    var generator = SplitMix64(seed: seed)
    var left = quotas
    var total = quotas.map { $0.reduce(0, +) }
    var folds = [UInt8](repeating: 0, count: outcomes.count)
    for row in outcomes.indices {
      if row % (1 << 18) == 0 { try checkpoint() }
      let outcome = Int(outcomes[row])
      var place = generator.below(total[outcome])
      total[outcome] -= 1
      var fold = 0
      while place >= left[outcome][fold] {
        place -= left[outcome][fold]
        fold += 1
      }
      left[outcome][fold] -= 1
      folds[row] = UInt8(fold)
    }
    count = quotas[0].count
    self.folds = folds
  }

  /// Calls `body` with the fold numbers, or nil if there is one fold only.
  func withPointer<Result>(_ body: (UnsafePointer<UInt8>?) throws -> Result) rethrows -> Result {
    try folds.withUnsafeBufferPointer { try body(folds.isEmpty ? nil : $0.baseAddress) }
  }
}
