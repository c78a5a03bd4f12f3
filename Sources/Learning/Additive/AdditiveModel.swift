/// A generalised additive model: the model of the family `additive`, with everything needed to predict and to show it.
///
/// log-odds = intercept + Σ f_j(x_j) + Σ f_jk(x_j, x_k). Each f_j of a number is a step function on bins, of a category a value a
/// category; a missing value has a value of its own. Each f_jk is a table over coarser bins of two features, purified of the main
/// effects (Lengerich, Tan, Chang, Hooker and Caruana 2020, Purifying Interaction Effects with the Functional ANOVA). Every term has
/// the mean 0 over the training rows. The JSON form is stable: members are added, not changed, and doubles read back exactly.
public struct AdditiveModel: Sendable, Codable, Hashable {
  /// The version of the JSON form, 1.
  public var format: Int = 1
  /// The features with their shape functions, in the order in which rows to predict on give their values.
  public var features: [AdditiveFeature]
  /// The tables of pairs.
  public var pairs: [AdditivePair]
  /// The log-odds where all terms are 0, which is their mean.
  public var intercept: Double
  /// The standard error of the intercept, where defined.
  public var interceptStandardError: Double?
  /// The shift that the refit to the rows' own weights has added to the intercept, after a fit with `class_weight`.
  public var interceptShift: Double?
  /// The probability from which on the decision is 1.
  public var threshold: Double
  /// Whether the fit came within the tolerance of the optimum for its smoothness.
  public var converged: Bool
  /// The Newton steps of the fit.
  public var iterations: Int
  /// The weighted mean loss per training row at the optimum of the weighted fit, without the penalty.
  public var trainingLoss: Double
  /// The training rows with outcome 1.
  public var positives: Int
  /// The training rows with outcome 0.
  public var negatives: Int
  /// How it was trained.
  public var parameters: TrainingParameters
  /// The choices of the training and their reasons; absent if the parameters left no choice.
  public var selection: ModelSelection?

  private enum CodingKeys: String, CodingKey {
    case format, features, pairs, intercept, threshold, converged, iterations, positives, negatives,
      parameters, selection
    case interceptStandardError = "intercept_standard_error"
    case interceptShift = "intercept_shift"
    case trainingLoss = "training_loss"
  }
}
