/// Splits that keep the rows of a group together.
extension ValidationPlan {
  /// Holds out whole groups with about `shares[0]` of the rows.
  ///
  /// - Throws: `LearningError.cannotValidate` if the rows of an outcome belong to one group.
  static func grouped(
    _ outcomes: [UInt8], _ codes: [Int32], shares: [Double], seed: UInt64, _ checkpoint: () throws -> Void
  ) throws -> ValidationPlan {
    let groups = try RowGroups(codes, outcomes: outcomes, checkpoint: checkpoint)
    try checkCarriers(groups)
    var dealt = try GroupFolds(groups, shares: shares, seed: seed, checkpoint: checkpoint)
    guard dealt.repair(isEachMeasured: true) else { throw Self.inseparable }
    return ValidationPlan(folds: try assignment(groups, dealt, checkpoint), measured: [0], rows: dealt.rows)
  }

  /// Deals whole groups to `wanted` folds, or to fewer.
  ///
  /// - Throws: `LearningError.cannotValidate` if the rows of an outcome belong to one group.
  static func grouped(
    _ outcomes: [UInt8], _ codes: [Int32], folds wanted: Int, seed: UInt64, _ checkpoint: () throws -> Void
  ) throws -> ValidationPlan {
    let groups = try RowGroups(codes, outcomes: outcomes, checkpoint: checkpoint)
    try checkCarriers(groups)
    let scarce = min(groups.carriers[0], groups.carriers[1])
    let folds = min(wanted, scarce)
    var dealt = try GroupFolds(
      groups, shares: Array(repeating: 1 / Double(folds), count: folds), seed: seed, checkpoint: checkpoint)
    // The scores of all folds are measured together, so that a fold may lack an outcome.
    guard dealt.repair(isEachMeasured: false) else { throw Self.inseparable }
    var plan = ValidationPlan(
      folds: try assignment(groups, dealt, checkpoint), measured: Array(0..<folds), rows: dealt.rows)
    if folds < wanted {
      plan.warn(
        "Rows of the rarer outcome belong to \(scarce) groups, so \(folds) folds were used, not \(wanted).")
    }
    return plan
  }

  private static func checkCarriers(_ groups: RowGroups) throws(LearningError) {
    guard let outcome = groups.carriers.firstIndex(where: { $0 < 2 }) else { return }
    throw .cannotValidate(
      detail:
        "All rows with the outcome \(outcome) belong to one group, so that no group can be held out with rows of both outcomes left to fit on."
    )
  }

  private static var inseparable: LearningError {
    .cannotValidate(detail: "No split of the groups leaves rows of both outcomes to fit on and to measure.")
  }

  private static func assignment(
    _ groups: RowGroups, _ dealt: GroupFolds, _ checkpoint: () throws -> Void
  ) throws -> FoldAssignment {
    try checkpoint()
    return FoldAssignment(folds: groups.codes.map { dealt.folds[Int($0)] }, count: dealt.rows.count)
  }
}
