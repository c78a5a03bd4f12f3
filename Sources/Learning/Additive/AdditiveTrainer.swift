/// Trains an additive model: one fit for each measured fold, the measurement, and the fit on all rows.
struct AdditiveTrainer {
  let table: TrainingTable
  let parameters: TrainingParameters
  let plan: ValidationPlan
  let runner: BlockRunner
  let progress: (@Sendable (TrainingProgress) -> Void)?

  /// The measurement of the rows that were held out.
  var measurement: HeldOutMeasurement {
    HeldOutMeasurement(table: table, parameters: parameters, plan: plan, runner: runner)
  }

  func run() throws -> TrainingResult<AdditiveModel> {
    let (scores, thresholds) = try outOfFold()
    progress?(
      TrainingProgress(phase: "measuring", fraction: plan.fraction(plan.measured.count, 0), iteration: 0))
    var warnings = plan.warnings
    var (kpis, curves) = try measurement.measure(scores, thresholds, &warnings)
    let (model, found) = try final(threshold: parameters.movesThreshold ? nil : kpis.threshold)
    kpis.setThreshold(model.threshold)
    return TrainingResult(model: model, kpis: kpis, curves: curves, warnings: warnings + found)
  }

  /// Predicts the rows of each measured fold with a fit of the others.
  ///
  /// - Returns: the score of each row, and the default threshold of the fit for each fold.
  func outOfFold() throws -> (scores: [Double], thresholds: [Double]) {
    var scores = [Double](repeating: 0, count: table.rowCount)
    var thresholds = [Double](repeating: TrainingParameters.defaultThreshold, count: plan.folds.count)
    for (step, fold) in plan.measured.enumerated() {
      let part = try estimate(excluding: fold, step: step)
      part.predict(only: fold, of: plan, into: &scores)
      thresholds[fold] = part.defaultThreshold
    }
    return (scores, thresholds)
  }

  /// Fits all rows.
  ///
  /// - Parameter threshold: the threshold of the model; nil for the default one of its fit.
  func final(threshold: Double?) throws -> (AdditiveModel, [TrainingWarning]) {
    let part = try estimate(excluding: nil, step: plan.measured.count, withInference: true)
    let sizes = plan.sizes
    let model = part.model(
      table, parameters: parameters, threshold: threshold ?? part.defaultThreshold, positives: sizes[1],
      negatives: sizes[0])
    progress?(TrainingProgress(phase: "fitting", fraction: 1, iteration: model.iterations))
    return (model, model.warnings)
  }

  /// Fits the rows of all folds but one, or all rows. Every fit, measured or served, is made here.
  func estimate(excluding fold: Int?, step: Int, withInference: Bool = false) throws -> AdditiveEstimate {
    let isFinal = step == plan.measured.count
    var fitter = AdditiveFitter(table: table, parameters: parameters, runner: runner)
    let counter = StepCounter()
    fitter.progress = { _, objective in
      let iteration = counter.next()
      progress?(
        TrainingProgress(
          phase: isFinal ? "fitting" : "validating", fraction: plan.fraction(step, iteration),
          fold: isFinal ? nil : step + 1,
          iteration: iteration, objective: objective))
    }
    let mass = RowMasses(table, plan: plan, excluding: fold, balanced: parameters.classWeight == .balanced)
    return try AdditiveEstimate(
      fitter: fitter, mass: mass, bags: parameters.additive.bags, seed: parameters.seed,
      withInference: withInference)
  }

  /// Counts the Newton steps of all fits of an estimate, on the thread of the training alone.
  private final class StepCounter {
    private var count = 0

    func next() -> Int {
      count += 1
      return count
    }
  }
}

extension AdditiveModel {
  /// Findings about the fit for the model's owner.
  var warnings: [TrainingWarning] {
    var warnings: [TrainingWarning] = []
    if !converged {
      warnings.append(
        TrainingWarning(
          kind: .notConverged,
          detail: "The fit ended after \(iterations) steps without reaching the tolerance."))
    }
    for feature in features
    where feature.bins.count < 2 && feature.missing == nil && feature.minimum == feature.maximum {
      warnings.append(
        TrainingWarning(
          kind: .constantFeature, feature: feature.name,
          detail: "The feature '\(feature.name)' has only one value and is left out."))
    }
    return warnings
  }
}
