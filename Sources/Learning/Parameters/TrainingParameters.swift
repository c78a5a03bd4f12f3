/// How a model is trained. JSON keys are those of the API: `family`, those of ``AdditiveParameters``, `penalty`, `C`, `l1_ratio`, `class_weight`, `threshold`,
/// `validation`, `seed`, `tolerance`, `max_iterations`; every one has a default.
public struct TrainingParameters: Sendable, Hashable {
  /// The regularisation term; meanings and scale are scikit-learn's.
  public enum Penalty: String, Sendable, Codable, Hashable, CaseIterable {
    /// ½·Σβ².
    case l2
    /// Σ|β|; sets coefficients to zero.
    case l1
    /// l1_ratio·Σ|β| + (1 − l1_ratio)·½·Σβ².
    case elasticnet
    /// Nothing: maximum likelihood.
    case none

    /// Whether the penalty mixes l1 and l2 by `l1_ratio`.
    public var hasL1Ratio: Bool { self == .elasticnet }

    /// Whether the data can choose `C` for the penalty.
    public var hasChoiceOfC: Bool { self == .l2 }
  }

  /// The weights of the two outcomes.
  public enum ClassWeight: String, Sendable, Codable, Hashable, CaseIterable {
    /// In the fit of the slopes each row weighs rows / (2 · rows with its outcome), so that both outcomes have the same total
    /// weight. The intercept is refitted without these weights, so that probabilities have the frequency of the rows.
    case balanced
  }

  /// The family of models. ``ModelFamily/linear`` where parameters were stored before there were others.
  public var family: ModelFamily = .linear
  /// The parameters of additive models.
  public var additive = AdditiveParameters()
  /// The penalty on the standardised coefficients of a linear model; the intercept has none.
  public var penalty: Penalty = .l2
  /// The inverse regularisation strength (`C`): the objective is C·Σ loss + penalty.
  public var c: Double = 1
  /// Whether `C` is chosen by the data (`"auto"`), for the penalty ``Penalty/l2`` alone. ``c`` is then not used.
  public var choosesC = false
  /// The share of the l1 penalty, 0…1; required for `elasticnet` and not allowed otherwise.
  public var l1Ratio: Double?
  /// Absent: every row weighs 1.
  public var classWeight: ClassWeight?
  /// How the probability becomes a decision.
  public var threshold: ThresholdRule = .fixed(defaultThreshold)
  /// Whether the owner wrote the threshold 0.5 together with ``classWeight``. Without it, as in parameters of versions that do
  /// not have it, 0.5 is the default, which moves with the intercept.
  public var isThresholdGiven = false
  /// On which rows the quality is measured.
  public var validation: ValidationMethod = .holdout(fraction: 0.2)
  /// Decides which rows are held out.
  public var seed: UInt64 = 0
  /// Iteration ends when the coefficients are within this many standard errors of the optimum.
  public var tolerance: Double = 1e-8
  /// At most this many Newton steps in one fit.
  public var maxIterations: Int = 100

  /// The threshold unless the owner gives another one; the decision of a fit whose outcomes weigh the same.
  public static let defaultThreshold = 0.5
  /// The bounds of ``maxIterations``.
  public static let maxIterationsRange = 1...10_000

  /// The defaults.
  public init() {}

  /// Whether the threshold is the default one and moves by as much as the intercept is refitted, so that the decisions stay
  /// those of the weighted fit.
  public var movesThreshold: Bool { isDefaultBesideWeights && !isThresholdGiven }

  /// Whether the threshold is 0.5 beside weights, where ``isThresholdGiven`` makes a difference.
  public var isDefaultBesideWeights: Bool {
    classWeight != nil && threshold == .fixed(Self.defaultThreshold)
  }

  /// Throws `LearningError.invalidParameter` for the first member that is out of its range.
  public func validate() throws(LearningError) {
    guard c >= 1e-12, c <= 1e12 else {
      throw .invalidParameter(pointer: "/C", detail: "C must be a number from 1e-12 to 1e12.")
    }
    if penalty.hasL1Ratio {
      guard let ratio = l1Ratio, ratio >= 0, ratio <= 1 else {
        throw .invalidParameter(
          pointer: "/l1_ratio",
          detail: "With the penalty 'elasticnet', l1_ratio must be a number from 0 to 1.")
      }
    } else if l1Ratio != nil {
      throw .invalidParameter(
        pointer: "/l1_ratio", detail: "l1_ratio belongs to the penalty 'elasticnet' alone.")
    }
    guard tolerance >= 1e-12, tolerance <= 1 else {
      throw .invalidParameter(pointer: "/tolerance", detail: "tolerance must be a number from 1e-12 to 1.")
    }
    guard Self.maxIterationsRange.contains(maxIterations) else {
      throw .invalidParameter(
        pointer: "/max_iterations", detail: "max_iterations must be a whole number from 1 to 10000.")
    }
    guard !choosesC || penalty.hasChoiceOfC else {
      throw .invalidParameter(pointer: "/C", detail: "C can be 'auto' with the penalty 'l2' alone.")
    }
    try additive.validate()
    try threshold.validate()
    try validation.validate()
  }
}

extension TrainingParameters: Codable {
  /// The JSON names of the members.
  public enum CodingKeys: String, CodingKey {
    /// `family`.
    case family
    /// `additive.maxPairs`.
    case maxPairs = "max_pairs"
    /// `additive.monotone`.
    case monotone
    /// `additive.edges`.
    case edges
    /// `additive.pairs`.
    case pairs
    /// `additive.quantileBins`.
    case quantileBins = "quantile_bins"
    /// `additive.mergedBins`.
    case mergedBins = "merged_bins"
    /// `additive.smoothness`.
    case smoothness
    /// `additive.bags`.
    case bags
    /// `penalty`.
    case penalty
    /// `c`.
    case c = "C"
    /// `choosesC`, in the stored form alone.
    case choosesC = "C_auto"
    /// `l1Ratio`.
    case l1Ratio = "l1_ratio"
    /// `classWeight`.
    case classWeight = "class_weight"
    /// `threshold`.
    case threshold
    /// `isThresholdGiven`, in the stored form alone.
    case isThresholdGiven = "threshold_given"
    /// `validation`.
    case validation
    /// `seed`.
    case seed
    /// `tolerance`.
    case tolerance
    /// `maxIterations`.
    case maxIterations = "max_iterations"
  }

  /// Decodes stored parameters: an absent member has its default, an unknown one is skipped.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    family = try values.decodeIfPresent(ModelFamily.self, forKey: .family) ?? .linear
    additive = try AdditiveParameters(from: values)
    penalty = try values.decodeIfPresent(Penalty.self, forKey: .penalty) ?? penalty
    c = try values.decodeIfPresent(Double.self, forKey: .c) ?? c
    choosesC = try values.decodeIfPresent(Bool.self, forKey: .choosesC) ?? false
    l1Ratio = try values.decodeIfPresent(Double.self, forKey: .l1Ratio)
    classWeight = try values.decodeIfPresent(ClassWeight.self, forKey: .classWeight)
    threshold = try values.decodeIfPresent(ThresholdRule.self, forKey: .threshold) ?? threshold
    isThresholdGiven = try values.decodeIfPresent(Bool.self, forKey: .isThresholdGiven) ?? false
    validation = try values.decodeIfPresent(ValidationMethod.self, forKey: .validation) ?? validation
    seed = try values.decodeIfPresent(UInt64.self, forKey: .seed) ?? seed
    tolerance = try values.decodeIfPresent(Double.self, forKey: .tolerance) ?? tolerance
    maxIterations = try values.decodeIfPresent(Int.self, forKey: .maxIterations) ?? maxIterations
  }

  /// Encodes the stored form: every member, absent ones as null. A threshold that moves is null. `C` is a number beside a member that
  /// says that the data choose it, so that versions without the choice can read the parameters.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try encodeShown(into: &values)
    if choosesC {
      try values.encode(c, forKey: .c)
      try values.encode(true, forKey: .choosesC)
    }
    if isDefaultBesideWeights, isThresholdGiven { try values.encode(true, forKey: .isThresholdGiven) }
  }

  /// Encodes the members of the API.
  private func encodeShown(into values: inout KeyedEncodingContainer<CodingKeys>) throws {
    try values.encode(family, forKey: .family)
    if family != .linear { try additive.encode(into: &values) }
    try values.encode(penalty, forKey: .penalty)
    if choosesC {
      try values.encode(Self.auto, forKey: .c)
    } else {
      try values.encode(c, forKey: .c)
    }
    try values.encode(l1Ratio, forKey: .l1Ratio)
    try values.encode(classWeight, forKey: .classWeight)
    try values.encode(movesThreshold ? nil : threshold, forKey: .threshold)
    try values.encode(validation, forKey: .validation)
    try values.encode(seed, forKey: .seed)
    try values.encode(tolerance, forKey: .tolerance)
    try values.encode(maxIterations, forKey: .maxIterations)
  }

  /// The value of `C` that leaves the choice to the data.
  public static let auto = "auto"

  /// The form that the API shows, which it accepts as well.
  public struct Shown: Encodable, Sendable {
    fileprivate let parameters: TrainingParameters

    /// Encodes every member of the API, absent ones and a threshold that moves as null.
    public func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      try parameters.encodeShown(into: &values)
    }
  }

  /// The form that the API shows.
  public var shown: Shown { Shown(parameters: self) }
}
