/// A logistic regression: the model of the family `linear`, with everything needed to predict and to show it. Its JSON
/// is stable: members are added, not changed, and doubles read back exactly.
public struct LogisticModel: Sendable, Codable, Hashable {
  /// The version of the JSON form, 1.
  public var format: Int = 1
  /// In the order in which rows to predict on give their values.
  public var features: [ModelFeature]
  /// Log-odds where all values are 0 and all categories unknown: the model is
  /// sigmoid(intercept + Σ coefficient·value).
  public var intercept: Double
  /// Its standard error, where defined.
  public var interceptStandardError: Double?
  /// Log-odds where all numbers are at their mean: the intercept on the standardised scale.
  public var standardizedIntercept: Double
  /// The shift that the refit to the rows' own weights has added to both intercepts, after a fit with `class_weight`. Absent without
  /// such weights, and in models of versions without a refit, whose probabilities are those of the weighted fit.
  public var interceptShift: Double?
  /// Probability from which on the decision is 1.
  public var threshold: Double
  /// Whether the fit came within the tolerance of the optimum.
  public var converged: Bool
  /// Newton steps of the fit.
  public var iterations: Int
  /// The weighted mean loss per training row at the optimum of the weighted fit, without the penalty.
  public var trainingLoss: Double
  /// Training rows with outcome 1.
  public var positives: Int
  /// Training rows with outcome 0.
  public var negatives: Int
  /// How it was trained.
  public var parameters: TrainingParameters
  /// The inverse strength of the penalty that the data chose, with three significant digits; absent if the parameters gave it.
  public var chosenC: Double?
  /// The choices of the training and their reasons; absent if the parameters left no choice.
  public var selection: ModelSelection?

  private enum CodingKeys: String, CodingKey {
    case format, features, intercept, threshold, converged, iterations, positives, negatives, parameters,
      selection
    case interceptStandardError = "intercept_standard_error"
    case standardizedIntercept = "standardized_intercept"
    case interceptShift = "intercept_shift"
    case trainingLoss = "training_loss"
    case chosenC = "C"
  }
}
