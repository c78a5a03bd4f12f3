extension ValidationPlan {
  /// Progress in which all fits count the same. The number of steps is unknown, so each step takes a third of the rest.
  ///
  /// - Parameters:
  ///   - step: the number of fits before this one.
  ///   - iteration: the steps of this fit so far.
  func fraction(_ step: Int, _ iteration: Int) -> Double {
    var rest = 1.0
    for _ in 0..<min(iteration, 40) { rest *= 2.0 / 3 }
    return 0.05 + 0.95 * (Double(step) + 1 - rest) / Double(measured.count + 1)
  }
}

extension ValidationPlan {
  /// Splits the rows of a table as a training with these parameters does.
  init(_ table: TrainingTable, _ parameters: TrainingParameters, _ runner: BlockRunner) throws {
    try self.init(
      outcomes: table.outcomes, method: parameters.validation, seed: parameters.seed,
      attributes: table.attributes, checkpoint: runner.checkCancelled)
  }
}
