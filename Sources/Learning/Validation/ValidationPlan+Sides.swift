/// Splits whose sides follow from the rows themselves: by time, and by the owner's marks.
extension ValidationPlan {
  /// The side of a row in a split with one measured fold.
  enum Side: UInt8 {
    case measured, fitted, leftOut
  }

  /// Holds out the newest rows.
  ///
  /// - Throws: `LearningError.oneTime` if all rows have one time; `.cannotValidate` if no cut leaves rows of both outcomes on both
  ///   sides, or if the rows have no times.
  static func newest(
    _ outcomes: [UInt8], _ times: [Int64]?, fraction: Double, gapDays: Double, groups: [Int32]?,
    _ checkpoint: () throws -> Void
  ) throws -> ValidationPlan {
    guard let times else {
      throw LearningError.cannotValidate(
        detail: "The rows have no times, so that none are newer than others.")
    }
    let cut = try TimeCut(
      times: times, outcomes: outcomes, fraction: fraction, gap: Int64(gapDays * 86_400e6),
      checkpoint: checkpoint)
    var plan = try sides(
      outcomes, groups: groups, checkpoint, excuse: "Without the groups that are on both sides of the cut, "
    ) { row in
      times[row] >= cut.first ? .measured : times[row] < cut.end ? .fitted : .leftOut
    }
    if cut.isMoved {
      let measured = outcomes.count - cut.before
      plan.warn(
        "One side of the cut that was asked for lacks an outcome: the newest \(measured) of \(outcomes.count) rows were held out."
      )
    }
    return plan
  }

  /// Holds out the rows that their owner marked as validation. Rows without a mark are fitted on, like those marked as train.
  ///
  /// - Throws: `LearningError.cannotValidate` if there are none, or if a side lacks an outcome.
  static func marked(
    _ outcomes: [UInt8], _ splits: [RowAttributes.Split]?, groups: [Int32]?, _ checkpoint: () throws -> Void
  ) throws -> ValidationPlan {
    guard let splits, splits.contains(.validation) else {
      throw LearningError.cannotValidate(
        detail: "No row has the split validation, so that there is nothing to measure.")
    }
    return try sides(
      outcomes, groups: groups, checkpoint, excuse: "Without the groups that are on both sides, "
    ) { splits[$0] == .validation ? .measured : .fitted }
  }

  /// Creates the plan from the side of each row. Groups with measured rows are left out of the fitted part.
  ///
  /// - Parameter excuse: the beginning of the error if a group that is left out had the last rows of an outcome.
  private static func sides(
    _ outcomes: [UInt8], groups: [Int32]?, _ checkpoint: () throws -> Void, excuse: String,
    _ side: (Int) -> Side
  ) throws -> ValidationPlan {
    var isMeasured = [Bool](repeating: false, count: groups.map { _ in outcomes.count } ?? 0)
    if let groups {
      for row in groups.indices where groups[row] >= 0 && side(row) == .measured {
        isMeasured[Int(groups[row])] = true
      }
    }
    try checkpoint()
    var folds = [UInt8](repeating: 0, count: outcomes.count)
    var leftOut = folds
    // By 2 · side + outcome, before and after groups are left out.
    var (given, counts) = ([Int](repeating: 0, count: 6), [Int](repeating: 0, count: 6))
    for row in outcomes.indices {
      if row % (1 << 18) == 0 { try checkpoint() }
      var side = side(row)
      given[2 * Int(side.rawValue) + Int(outcomes[row])] += 1
      if side == .fitted, let group = groups?[row], group >= 0, isMeasured[Int(group)] { side = .leftOut }
      counts[2 * Int(side.rawValue) + Int(outcomes[row])] += 1
      folds[row] = side == .fitted ? 1 : 0
      leftOut[row] = side == .leftOut ? 1 : 0
    }
    for outcome in 0...1 {
      let other = counts[1 - outcome]
      guard counts[outcome] > 0 else {
        throw LearningError.cannotValidate(
          detail: "The rows to measure are \(other) with the outcome \(1 - outcome) and none with \(outcome)."
        )
      }
      guard counts[2 + outcome] > 0 else {
        let detail =
          "the rows to fit on are \(counts[3 - outcome]) with the outcome \(1 - outcome) and none with \(outcome)."
        throw LearningError.cannotValidate(
          detail: given[2 + outcome] > 0 ? excuse + detail : "T" + detail.dropFirst())
      }
    }
    return ValidationPlan(
      folds: FoldAssignment(folds: folds, count: 2, leftOut: counts[4] + counts[5] > 0 ? leftOut : []),
      measured: [0], rows: [[counts[0] + counts[4], counts[1] + counts[5]], [counts[2], counts[3]]])
  }
}
