/// How the rows are split, after looking at how many there are of each outcome.
struct ValidationPlan: Sendable, Hashable {
  var folds: FoldAssignment
  /// The folds that are measured, each by a fit on all others.
  var measured: [Int]
  /// Rows of outcome 0 and 1 in each fold.
  var rows: [[Int]]
  /// What was done otherwise than asked for.
  var warnings: [TrainingWarning] = []

  /// Rows of outcome 0 and 1 in all.
  var sizes: [Int] { rows.reduce([0, 0]) { [$0[0] + $1[0], $0[1] + $1[1]] } }

  /// No validation: all rows in one fold, which is not measured. Throws as the other initialiser does.
  init(unmeasured outcomes: [UInt8]) throws(LearningError) {
    folds = .whole
    measured = []
    rows = [try Self.sizes(outcomes)]
  }

  /// Rows of outcome 0 and 1; throws if there are not 2 of each.
  private static func sizes(_ outcomes: [UInt8]) throws(LearningError) -> [Int] {
    let positives = outcomes.withUnsafeBufferPointer { $0.reduce(into: 0) { $0 += Int($1) } }
    let sizes = [outcomes.count - positives, positives]
    let scarce = min(sizes[0], sizes[1])
    if scarce == 0, !outcomes.isEmpty {
      throw .oneClass(outcome: positives == 0 ? 0 : 1, rows: outcomes.count)
    }
    guard scarce >= 2 else {
      throw .tooFewRows(rows: outcomes.count, positives: sizes[1], negatives: sizes[0])
    }
    return sizes
  }

  /// Splits the rows; throws `LearningError` if there are not 2 of each outcome. `checkpoint` is called every few
  /// milliseconds and ends the work by throwing.
  init(
    outcomes: [UInt8], method: ValidationMethod, seed: UInt64, checkpoint: () throws -> Void = {}
  ) throws {
    let sizes = try Self.sizes(outcomes)
    let scarce = min(sizes[0], sizes[1])
    var folds: Int
    switch method {
    case .holdout(let fraction):
      let held = sizes.map { Int((Double($0) * fraction).rounded()) }
      if zip(held, sizes).allSatisfy({ $0 >= 1 && $0 < $1 }) {
        let quotas = zip(held, sizes).map { [$0, $1 - $0] }
        self.folds = try FoldAssignment(
          outcomes: outcomes, quotas: quotas, seed: seed, checkpoint: checkpoint)
        rows = Self.perFold(quotas)
        measured = [0]
        return
      }
      folds = min(5, scarce)
      warnings.append(
        TrainingWarning(
          kind: .validationChanged,
          detail:
            "Too few rows of one outcome to hold some of them out: \(folds)-fold cross-validation was used."))
    case .kfold(let wanted):
      folds = min(wanted, scarce)
      if folds < wanted {
        warnings.append(
          TrainingWarning(
            kind: .validationChanged,
            detail:
              "There are \(scarce) rows of the rarer outcome, so \(folds) folds were used, not \(wanted)."))
      }
    }
    // The remainders of both outcomes go round the same circle of folds, so that no fold is 2 rows larger.
    var start = 0
    let quotas = sizes.map { size in
      var quota = [Int](repeating: size / folds, count: folds)
      for _ in 0..<(size % folds) {
        quota[start % folds] += 1
        start += 1
      }
      return quota
    }
    self.folds = try FoldAssignment(outcomes: outcomes, quotas: quotas, seed: seed, checkpoint: checkpoint)
    rows = Self.perFold(quotas)
    measured = Array(0..<folds)
  }

  private static func perFold(_ quotas: [[Int]]) -> [[Int]] {
    quotas[0].indices.map { [quotas[0][$0], quotas[1][$0]] }
  }
}
