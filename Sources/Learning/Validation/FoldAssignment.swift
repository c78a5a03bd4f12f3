/// The assignment of rows to folds.
struct FoldAssignment: Sendable, Hashable {
  /// The fold of each row; empty if there is only one fold.
  let folds: [UInt8]
  /// The number of folds, at least 1.
  let count: Int
  /// 1 for each row of a measured fold that is not measured: no fit but the last one, on all rows, sees it. Empty if there is none.
  let leftOut: [UInt8]

  /// All rows in one fold.
  static let whole = FoldAssignment(folds: [], count: 1)

  /// Creates an assignment from the fold of each row.
  init(folds: [UInt8], count: Int, leftOut: [UInt8] = []) {
    self.folds = folds
    self.count = count
    self.leftOut = leftOut
  }

  /// Whether the row is neither fitted on nor measured while its fold is.
  func isLeftOut(_ row: Int) -> Bool { !leftOut.isEmpty && leftOut[row] != 0 }

  /// Distributes the rows of each outcome over folds of given sizes (`quotas[outcome][fold]`, which add up to the rows of the
  /// outcome). Every assignment with these sizes is equally likely: each row in turn gets a fold with the probability (places
  /// left in the fold) / (places left), which is sequential sampling without replacement.
  ///
  /// `checkpoint` is called every few milliseconds and cancels the work by throwing.
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
    leftOut = []
  }

  /// Calls `body` with the folds of all rows, or with nil if there is only one fold.
  func withPointer<Result>(_ body: (UnsafePointer<UInt8>?) throws -> Result) rethrows -> Result {
    try folds.withUnsafeBufferPointer { try body(folds.isEmpty ? nil : $0.baseAddress) }
  }
}

/// The pseudorandom generator SplitMix64 (Steele, Lea and Flood 2014), with the same sequence for a seed on every platform.
struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// An integer in 0..<bound: the high half of the product (Lemire 2019). Without his rejection step it has a bias of
  /// bound / 2^64.
  mutating func below(_ bound: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(bound)).high) }
}
