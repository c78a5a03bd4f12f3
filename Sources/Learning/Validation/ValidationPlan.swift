/// The split of the rows for validation, adapted to the number of rows of each outcome.
struct ValidationPlan: Sendable, Hashable {
  var folds: FoldAssignment
  /// The folds to measure, each with a fit on all others.
  var measured: [Int]
  /// The numbers of rows with outcome 0 and 1 in each fold.
  var rows: [[Int]]
  /// Deviations from the requested method.
  var warnings: [TrainingWarning] = []

  /// The numbers of rows with outcome 0 and 1.
  var sizes: [Int] { rows.reduce([0, 0]) { [$0[0] + $1[0], $0[1] + $1[1]] } }

  /// Creates a plan without validation: all rows in one fold, which is not measured.
  ///
  /// - Throws: `LearningError` if there are fewer than 2 rows of an outcome.
  init(unmeasured outcomes: [UInt8]) throws(LearningError) {
    folds = .whole
    measured = []
    rows = [try Self.sizes(outcomes)]
  }

  /// Counts the rows with outcome 0 and 1. Throws if there are fewer than 2 of one.
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

  /// Splits the rows. `checkpoint` is called every few milliseconds and cancels the work by throwing.
  ///
  /// - Throws: `LearningError` if there are fewer than 2 rows of an outcome, and the errors of `checkpoint`.
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
    // The remainders of both outcomes are dealt to consecutive folds, so that no fold is 2 rows larger than another.
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
