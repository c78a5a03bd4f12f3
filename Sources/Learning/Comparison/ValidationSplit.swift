/// The division of a table's rows into those that a fit sees and those that it is measured on, for several sets of parameters
/// that are measured on the same rows.
public struct ValidationSplit: Sendable {
  let plan: ValidationPlan

  /// Divides the rows of a table as a training with these parameters does.
  ///
  /// - Parameters:
  ///   - table: the rows.
  ///   - parameters: the validation and the seed count.
  ///   - checkpoint: called every few milliseconds; ends the work by throwing.
  /// - Throws: ``LearningError`` if the rows cannot be divided; what `checkpoint` throws.
  public init(
    _ table: TrainingTable, parameters: TrainingParameters, checkpoint: () throws -> Void = {}
  ) throws {
    try parameters.validate()
    plan = try ValidationPlan(
      outcomes: table.outcomes, method: parameters.validation, seed: parameters.seed,
      attributes: table.attributes, checkpoint: checkpoint)
  }

  /// The rows that are measured, ascending.
  public var measuredRows: [Int] {
    var isMeasured = [Bool](repeating: false, count: plan.folds.count)
    for fold in plan.measured { isMeasured[fold] = true }
    return plan.folds.folds.indices.filter {
      isMeasured[Int(plan.folds.folds[$0])] && !plan.folds.isLeftOut($0)
    }
  }
}
