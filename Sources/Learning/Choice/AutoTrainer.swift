/// Trains the family that predicts better: each fit, measured or served, chooses on its own rows alone, so that the KPIs are those of the
/// whole procedure.
struct AutoTrainer {
  let linear: LinearTrainer
  let additive: AdditiveTrainer
  let choice: FamilyChoice

  private var plan: ValidationPlan { linear.plan }
  private var parameters: TrainingParameters { additive.parameters }

  func run() throws -> TrainingResult<any BinaryClassifier> {
    let (scores, thresholds) = try outOfFold()
    linear.progress?(
      TrainingProgress(phase: "measuring", fraction: plan.fraction(plan.measured.count, 0), iteration: 0))
    var warnings = plan.warnings
    var (kpis, curves) = try linear.measurement.measure(scores, thresholds, &warnings)
    let (model, found) = try final(threshold: parameters.movesThreshold ? nil : kpis.threshold)
    kpis.setThreshold(model.threshold)
    return TrainingResult(model: model, kpis: kpis, curves: curves, warnings: warnings + found)
  }

  /// Predicts the rows of each measured fold with a fit of the others, of the family chosen on them.
  func outOfFold() throws -> (scores: [Double], thresholds: [Double]) {
    var scores = [Double](repeating: 0, count: linear.table.rowCount)
    var thresholds = [Double](repeating: TrainingParameters.defaultThreshold, count: plan.folds.count)
    for (step, fold) in plan.measured.enumerated() {
      let fits = Fits(linear: linear, additive: additive, fold: fold, step: step, withInference: false)
      let selection = try choice.choose(plan, excluding: fold, additive: fits.shaped, linear: fits.straight)
      if selection.family == AdditiveModel.family {
        let part = try fits.shaped()
        part.predict(only: fold, of: plan, into: &scores)
        thresholds[fold] = part.defaultThreshold
      } else {
        let part = try fits.straight()
        try part.predict(only: fold, into: &scores)
        thresholds[fold] = part.defaultThreshold
      }
    }
    return (scores, thresholds)
  }

  /// Fits all rows.
  ///
  /// - Parameter threshold: the threshold of the model; nil for the default one of its fit.
  func final(threshold: Double?) throws -> (any BinaryClassifier, [TrainingWarning]) {
    let fits = Fits(
      linear: linear, additive: additive, fold: nil, step: plan.measured.count, withInference: true)
    let selection = try choice.choose(plan, excluding: nil, additive: fits.shaped, linear: fits.straight)
    if selection.family == AdditiveModel.family {
      let part = try fits.shaped()
      var model = part.model(
        linear.table, parameters: parameters, threshold: threshold ?? part.defaultThreshold,
        positives: plan.sizes[1],
        negatives: plan.sizes[0])
      model.selection = selection
      linear.progress?(TrainingProgress(phase: "fitting", fraction: 1, iteration: model.iterations))
      return (model, model.warnings)
    }
    var (model, warnings) = try linear.final(from: nil, threshold: threshold)
    model.parameters = parameters
    model.selection = selection
    return (model, warnings)
  }

  /// The fits of one part of the rows, each made when it is first needed.
  private final class Fits {
    private let linear: LinearTrainer
    private let additive: AdditiveTrainer
    private let fold: Int?
    private let step: Int
    private let withInference: Bool
    private var line: LinearFit?
    private var shapes: AdditiveEstimate?

    init(linear: LinearTrainer, additive: AdditiveTrainer, fold: Int?, step: Int, withInference: Bool) {
      (self.linear, self.additive, self.fold, self.step, self.withInference) = (
        linear, additive, fold, step, withInference
      )
    }

    func straight() throws -> LinearFit {
      if let line { return line }
      let fit = try linear.fitted(excluding: fold, step: step, from: nil)
      line = fit
      return fit
    }

    func shaped() throws -> AdditiveEstimate {
      if let shapes { return shapes }
      let fit = try additive.estimate(excluding: fold, step: step, withInference: withInference)
      shapes = fit
      return fit
    }
  }
}

extension AutoTrainer {
  /// Prepares the work and calls `body` with a trainer.
  static func with<Result>(
    _ table: TrainingTable, _ parameters: TrainingParameters, _ plan: ValidationPlan, _ runner: BlockRunner,
    _ progress: (@Sendable (TrainingProgress) -> Void)?, _ body: (AutoTrainer) throws -> Result
  ) throws -> Result {
    // Both families report on the same part of the work.
    let progress = progress.map(RisingProgress.init)?.report
    return try withTrainer(table, parameters.forLinearCandidate, plan, runner, progress) { linear in
      try body(
        AutoTrainer(
          linear: linear,
          additive: AdditiveTrainer(
            table: table, parameters: parameters, plan: linear.plan, runner: linear.runner, progress: progress
          ),
          choice: FamilyChoice(table: table, parameters: parameters, runner: linear.runner)))
    }
  }
}

extension TrainingParameters {
  /// The parameters of the linear model that is compared with an additive one: its smoothness, too, is chosen by the data, unless the owner
  /// has given a `C` of their own.
  var forLinearCandidate: TrainingParameters {
    var parameters = self
    if penalty == .l2, c == TrainingParameters().c { parameters.choosesC = true }
    return parameters
  }
}
