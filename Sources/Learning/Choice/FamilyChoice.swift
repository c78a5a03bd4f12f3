/// The choice between a linear and an additive model for the rows of one fit.
///
/// With few rows both are fitted to parts of them and compared on the rest (cross-validation), which no selection inside of a fit can
/// deceive. With many rows the choice is by Akaike's criterion, −2·log likelihood + 2·edf, whose effective degrees of freedom are
/// enlarged for the choice of λ and of pairs (Wood, Pya and Säfken 2016, Smoothing Parameter and Model Selection for General Smooth
/// Models, section 4).
struct FamilyChoice {
  let table: TrainingTable
  let parameters: TrainingParameters
  let runner: BlockRunner

  /// Up to so many fitted rows, inner folds decide.
  private static let crossValidated = 3_000
  private static let folds = 5
  /// The most features of an additive model that is chosen by itself.
  private static let mostFeatures = 200
  /// The enlargement of the degrees of freedom.
  private static let correction = 1.5
  /// The share of the linear model's loss by which an additive one may be worse on inner folds, whose fits are not means of several and
  /// see fewer rows than the fit will.
  private static let margin = 0.005
  /// With fewer rows of the rarer outcome, chance decides between like losses: the simpler model stays unless the other is better by
  /// this share.
  private static let fewRows = 100
  private static let scarceMargin = -0.05

  /// Chooses for the rows of all folds but one, or for all rows.
  func choose(
    _ plan: ValidationPlan, excluding fold: Int?, additive: () throws -> AdditiveEstimate,
    linear: () throws -> LinearFit
  ) throws -> ModelSelection {
    if let reason = constraint {
      return ModelSelection(family: AdditiveModel.family, criterion: nil, candidates: [], reason: reason)
    }
    if table.columns.count > Self.mostFeatures {
      return ModelSelection(
        family: LogisticModel.family, criterion: nil, candidates: [],
        reason: "An additive model has at most \(Self.mostFeatures) features.")
    }
    let rows = (0..<table.rowCount).filter {
      fold == nil || plan.folds.folds.isEmpty || Int(plan.folds.folds[$0]) != fold
    }
    if rows.count <= Self.crossValidated, let selection = try crossValidated(rows) { return selection }
    return try byCriterion(additive(), linear())
  }

  /// The reason why only an additive model can follow the parameters.
  private var constraint: String? {
    let own = parameters.additive
    if !own.monotone.isEmpty { return "Monotone features need an additive model." }
    if own.pairs?.isEmpty == false { return "The given pairs need an additive model." }
    if !own.edges.isEmpty { return "The given edges need an additive model." }
    return nil
  }

  private func crossValidated(_ rows: [Int]) throws -> ModelSelection? {
    let part = try table.rows(rows)
    var inner = parameters
    inner.validation = .kfold(folds: Self.folds, group: part.attributes.groups != nil)
    inner.threshold = .fixed(TrainingParameters.defaultThreshold)
    inner.additive.bags = 1
    guard
      let plan = try? ValidationPlan(
        outcomes: part.outcomes, method: inner.validation, seed: parameters.seed &+ 1,
        attributes: part.attributes)
    else { return nil }
    try runner.checkCancelled()
    let straight = try withTrainer(part, inner.forLinearCandidate, plan, runner, nil) {
      try $0.outOfFold(nil).scores
    }
    let shaped = try AdditiveTrainer(
      table: part, parameters: inner, plan: plan, runner: runner, progress: nil
    ).outOfFold().scores
    let losses = [straight, shaped].map { scores in
      var (sum, total) = (0.0, 0.0)
      for row in scores.indices where plan.measured.contains(Int(plan.folds.folds[row])) {
        let weight = part.attributes.weights?[row] ?? 1
        let score = min(max(scores[row], 1e-15), 1 - 1e-15)
        sum -= weight * (part.outcomes[row] == 1 ? score : 1 - score).logarithm
        total += weight
      }
      return sum / max(total, .leastNormalMagnitude)
    }
    let positives = part.outcomes.reduce(into: 0) { $0 += Int($1) }
    let isScarce = min(positives, rows.count - positives) < Self.fewRows
    let margin = isScarce ? Self.scarceMargin : Self.margin
    let isAdditive = losses[1] < losses[0] * (1 + margin)
    return selection(
      isAdditive, "cross_validated_log_loss", losses,
      "On \(Self.folds) inner folds of the \(rows.count) fitted rows the log loss of the linear model is \(losses[0].brief), that of the additive one \(losses[1].brief)."
    )
  }

  private func byCriterion(_ additive: AdditiveEstimate, _ linear: LinearFit) -> ModelSelection {
    let mass = linear.encoding.masses[0] + linear.encoding.masses[1]
    let rows = linear.encoding.effectiveRows ?? mass
    let penalty = linear.solver.objective.penalty
    let loss = (linear.fit.objective - penalty.value(linear.fit.beta)) / linear.encoding.totalWeight
    let columns = Double(linear.fit.beta.count - linear.fit.skipped.count { $0 })
    let (shaped, freedom) = additive.fit
    let scores = [2 * rows * loss + 2 * columns, 2 * rows * shaped + 2 * Self.correction * freedom]
    return selection(
      scores[1] < scores[0], "aic", scores,
      "Akaike's criterion of the linear model is \(scores[0].brief), that of the additive one \(scores[1].brief)."
    )
  }

  private func selection(
    _ isAdditive: Bool, _ criterion: String, _ scores: [Double], _ reason: String
  ) -> ModelSelection {
    ModelSelection(
      family: isAdditive ? AdditiveModel.family : LogisticModel.family, criterion: criterion,
      candidates: [
        .init(family: LogisticModel.family, score: scores[0]),
        .init(family: AdditiveModel.family, score: scores[1]),
      ], reason: reason)
  }
}

extension Double {
  /// The number with four significant digits, for people.
  fileprivate var brief: String {
    guard isFinite, self != 0 else { return "\(self)" }
    if abs(self) >= 1_000 { return "\(Int(rounded()))" }
    return "\((self * 1e4).rounded() / 1e4)"
  }
}
