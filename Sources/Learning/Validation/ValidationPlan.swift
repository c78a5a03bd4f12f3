/// How the rows are split, after looking at how many there are of each outcome.
struct ValidationPlan: Sendable, Hashable {
  var folds: FoldAssignment
  /// The folds that are measured, each by a fit on all others.
  var measured: [Int]
  /// What was done otherwise than asked for.
  var warnings: [TrainingWarning] = []

  /// Splits the rows; throws if there are not 2 of each outcome.
  init(outcomes: [UInt8], method: ValidationMethod, seed: UInt64) throws(LearningError) {
    let positives = outcomes.reduce(into: 0) { $0 += Int($1) }
    let sizes = [outcomes.count - positives, positives]
    let scarce = min(sizes[0], sizes[1])
    if scarce == 0, !outcomes.isEmpty {
      throw .oneClass(outcome: positives == 0 ? 0 : 1, rows: outcomes.count)
    }
    guard scarce >= 2 else {
      throw .tooFewRows(rows: outcomes.count, positives: sizes[1], negatives: sizes[0])
    }
    var folds: Int
    switch method {
    case .holdout(let fraction):
      let held = sizes.map { Int((Double($0) * fraction).rounded()) }
      if zip(held, sizes).allSatisfy({ $0 >= 1 && $0 < $1 }) {
        let quotas = zip(held, sizes).map { [$0, $1 - $0] }
        self.folds = FoldAssignment(outcomes: outcomes, quotas: quotas, seed: seed)
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
    self.folds = FoldAssignment(outcomes: outcomes, quotas: quotas, seed: seed)
    measured = Array(0..<folds)
  }
}
