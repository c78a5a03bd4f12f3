/// The split of the rows for validation, adapted to the number of rows of each outcome.
struct ValidationPlan: Sendable, Hashable {
  var folds: FoldAssignment
  /// The folds to measure, each with a fit on all others.
  var measured: [Int]
  /// The numbers of rows with outcome 0 and 1 in each fold, with those that are left out.
  var rows: [[Int]]
  /// Deviations from the requested method.
  var warnings: [TrainingWarning] = []

  /// The numbers of rows with outcome 0 and 1.
  var sizes: [Int] { rows.reduce([0, 0]) { [$0[0] + $1[0], $0[1] + $1[1]] } }

  /// Creates a plan from its parts.
  init(folds: FoldAssignment, measured: [Int], rows: [[Int]], warnings: [TrainingWarning] = []) {
    self.folds = folds
    self.measured = measured
    self.rows = rows
    self.warnings = warnings
  }

  /// Creates a plan without validation: all rows in one fold, which is not measured.
  ///
  /// - Throws: `LearningError` if there are fewer than 2 rows of an outcome.
  init(unmeasured outcomes: [UInt8]) throws(LearningError) {
    self.init(folds: .whole, measured: [], rows: [try Self.sizes(outcomes)])
  }

  /// Splits the rows. `checkpoint` is called every few milliseconds and cancels the work by throwing.
  ///
  /// - Throws: `LearningError` if there are fewer than 2 rows of an outcome, or if the method cannot be followed; the errors of
  ///   `checkpoint`.
  init(
    outcomes: [UInt8], method: ValidationMethod, seed: UInt64, attributes: RowAttributes = .none,
    checkpoint: () throws -> Void = {}
  ) throws {
    let sizes = try Self.sizes(outcomes)
    // Without groups every row is one of its own.
    let groups = method.keepsGroups ? attributes.groups : nil
    switch method {
    case .holdout(let fraction, _):
      self =
        if let groups {
          try .grouped(outcomes, groups, shares: [fraction, 1 - fraction], seed: seed, checkpoint)
        } else {
          try .holdout(outcomes, sizes, fraction: fraction, seed: seed, checkpoint)
        }
    case .kfold(let folds, _):
      self =
        if let groups {
          try .grouped(outcomes, groups, folds: folds, seed: seed, checkpoint)
        } else {
          try .stratified(outcomes, sizes, folds: folds, seed: seed, checkpoint)
        }
    case .time(let fraction, let gapDays, _):
      self = try .newest(
        outcomes, attributes.times, fraction: fraction, gapDays: gapDays, groups: groups, checkpoint)
    case .split:
      self = try .marked(outcomes, attributes.splits, groups: groups, checkpoint)
    }
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

  /// Holds out a share of the rows of each outcome, or falls back to folds.
  private static func holdout(
    _ outcomes: [UInt8], _ sizes: [Int], fraction: Double, seed: UInt64, _ checkpoint: () throws -> Void
  ) throws -> ValidationPlan {
    let held = sizes.map { Int((Double($0) * fraction).rounded()) }
    if zip(held, sizes).allSatisfy({ $0 >= 1 && $0 < $1 }) {
      let quotas = zip(held, sizes).map { [$0, $1 - $0] }
      let folds = try FoldAssignment(outcomes: outcomes, quotas: quotas, seed: seed, checkpoint: checkpoint)
      return ValidationPlan(folds: folds, measured: [0], rows: perFold(quotas))
    }
    let folds = min(5, sizes[0], sizes[1])
    var plan = try stratified(outcomes, sizes, folds: folds, seed: seed, checkpoint)
    plan.warn(
      "Too few rows of one outcome to hold some of them out: \(folds)-fold cross-validation was used.")
    return plan
  }

  /// Deals the rows of each outcome to folds.
  private static func stratified(
    _ outcomes: [UInt8], _ sizes: [Int], folds wanted: Int, seed: UInt64, _ checkpoint: () throws -> Void
  ) throws -> ValidationPlan {
    let scarce = min(sizes[0], sizes[1])
    let folds = min(wanted, scarce)
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
    let assignment = try FoldAssignment(
      outcomes: outcomes, quotas: quotas, seed: seed, checkpoint: checkpoint)
    var plan = ValidationPlan(folds: assignment, measured: Array(0..<folds), rows: perFold(quotas))
    if folds < wanted {
      plan.warn(
        "There are \(scarce) rows of the rarer outcome, so \(folds) folds were used, not \(wanted).")
    }
    return plan
  }

  private static func perFold(_ quotas: [[Int]]) -> [[Int]] {
    quotas[0].indices.map { [quotas[0][$0], quotas[1][$0]] }
  }

  /// Adds a deviation from the requested method.
  mutating func warn(_ detail: String) {
    warnings.append(TrainingWarning(kind: .validationChanged, detail: detail))
  }

  /// Warns of measured rows that are also in the fitted part, unless groups are kept together: then the owner has said which
  /// rows belong to each other.
  mutating func warnOfDuplicates(
    _ table: TrainingTable, pinned: PinnedTable, method: ValidationMethod, runner: BlockRunner
  ) throws {
    guard !method.keepsGroups || table.attributes.groups == nil else { return }
    let count = try DuplicateRows.count(pinned, plan: self, runner: runner)
    guard count > 0 else { return }
    let all = measured.reduce(0) { $0 + rows[$1][0] + rows[$1][1] } - folds.leftOut.count { $0 != 0 }
    warnings.append(
      TrainingWarning(
        kind: .duplicateRows,
        detail: """
          \(count) of the \(all) measured rows have the same feature values as a row that was fitted on. If they are of one case or \
          person, the KPIs are too good: give them one group, and validate with "group": true.
          """))
  }
}
