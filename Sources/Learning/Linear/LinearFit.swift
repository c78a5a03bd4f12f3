/// The fit of the rows of all folds but one, or of all rows, with the intercept that predicts.
struct LinearFit {
  /// The optimum of the weighted likelihood.
  var fit: Fit
  let encoding: Encoding
  let solver: LinearSolver
  let inference: Inference?
  /// The shift of the intercept to the rows' own weights; nil if no weights were to be taken back.
  let shift: Double?

  /// The coefficients that predict.
  var beta: [Double] {
    var beta = fit.beta
    beta[0] += shift ?? 0
    return beta
  }

  /// The default threshold, moved by the same shift on the logit scale, so that the decisions are those of the weighted fit.
  ///
  /// Rounding must not decide about a row that is exactly on the boundary, such as every row of a model without features:
  /// the moved threshold is a few units in the last place lower.
  var defaultThreshold: Double {
    guard let shift else { return TrainingParameters.defaultThreshold }
    let margin = (TrainingParameters.defaultThreshold / (1 - TrainingParameters.defaultThreshold)).logarithm
    return (margin + shift).sigmoid * (1 - 16 * .ulpOfOne)
  }

  /// Writes the probabilities of the rows of one fold into an array with an element for each row.
  func predict(only fold: Int, into probabilities: inout [Double]) throws {
    try solver.objective.predict(beta, only: fold, into: &probabilities)
  }
}
