/// The fit of the rows of all folds but one, or of all rows: one fit, or the mean of fits to parts of the rows.
///
/// The mean of additive models is an additive model on the union of their edges (bagging: Breiman 1996). With few rows the edges and the
/// smoothness depend on chance, which the mean takes out.
struct AdditiveEstimate {
  private let base: AdditiveFitter.Fitted
  private let members: [AdditiveShapes]
  /// The margin of each row of the table, without the shift.
  private let margins: [Double]
  private let mass: RowMasses
  /// The shift of the intercept to the rows' own weights; nil if no weights were to be taken back.
  private let shift: Double?

  /// The fits whose mean is taken, where it pays: few rows, and linear systems that are small.
  private static let usualBags = 8
  private static let mostRows = 6_000
  private static let mostColumns = 900
  /// The share of the rows that a fit sees.
  private static let share = 0.85

  init(fitter: AdditiveFitter, mass: RowMasses, bags: Int?, seed: UInt64, withInference: Bool) throws {
    self.mass = mass
    base = try fitter.fit(mass: UnsafePointer(mass.start), withInference: withInference)
    let rows = (0..<mass.count).reduce(0) { $0 + (mass.start[$1] > 0 ? 1 : 0) }
    let count = bags ?? (rows <= Self.mostRows && base.beta.count <= Self.mostColumns ? Self.usualBags : 1)
    if count > 1 {
      var generator = SplitMix64(seed: seed &+ 0x6261_6773)
      var sums = [Double](repeating: 0, count: mass.count)
      var members: [AdditiveShapes] = []
      for _ in 0..<count {
        let part = mass.sampled(fitter.table.outcomes, share: Self.share, &generator)
        let fitted = try fitter.fit(mass: UnsafePointer(part.start), withInference: false, like: base)
        withExtendedLifetime(part) {}
        var shapes = AdditiveShapes(fitted)
        shapes.purify()
        members.append(shapes)
        for row in sums.indices { sums[row] += fitted.margins[row] }
      }
      self.members = members
      margins = sums.map { $0 / Double(count) }
    } else {
      members = []
      margins = base.margins
    }
    shift = fitter.parameters.classWeight == .balanced ? Self.shift(fitter.table, mass, margins) : nil
  }

  /// The shift of the intercept with which the probabilities fit the rows' own weights (``InterceptRefit``).
  private static func shift(_ table: TrainingTable, _ mass: RowMasses, _ margins: [Double]) -> Double {
    let weights = table.attributes.weights
    let refit = InterceptRefit(negatives: mass.own[0], positives: mass.own[1])
    return refit.shift(from: (mass.own[1] / mass.own[0]).logarithm) { shift in
      var sum = 0.0
      for row in 0..<mass.count where mass.start[row] > 0 {
        sum += (weights?[row] ?? 1) * (margins[row] + shift).sigmoid
      }
      return sum
    }
  }

  /// The threshold of the weighted fit, moved by the shift (``LinearFit/defaultThreshold``).
  var defaultThreshold: Double {
    guard let shift else { return TrainingParameters.defaultThreshold }
    let margin = (TrainingParameters.defaultThreshold / (1 - TrainingParameters.defaultThreshold)).logarithm
    return (margin + shift).sigmoid * (1 - 16 * .ulpOfOne)
  }

  /// The mean loss of the fitted rows and the effective degrees of freedom, for comparisons by Akaike's criterion.
  var fit: (loss: Double, freedom: Double) { (base.loss, 1 + base.freedom.reduce(0, +)) }

  /// The number of pairs.
  var pairCount: Int { base.axes.count }

  /// Writes the probabilities of the rows of one fold into an array with an element for each row.
  func predict(only fold: Int, of plan: ValidationPlan, into scores: inout [Double]) {
    for row in scores.indices where Int(plan.folds.folds[row]) == fold {
      scores[row] = (margins[row] + (shift ?? 0)).sigmoid
    }
  }

  /// Makes the model.
  func model(
    _ table: TrainingTable, parameters: TrainingParameters, threshold: Double, positives: Int, negatives: Int
  ) -> AdditiveModel {
    var shapes = AdditiveShapes(base)
    var facts = AdditiveFacts(base)
    if !members.isEmpty {
      shapes.purify()
      shapes = .mean(of: members, base: shapes)
      facts = AdditiveFacts(table, mass: UnsafePointer(mass.start), shapes: &shapes)
    }
    shapes.purify()
    var model = AdditiveModel(
      base, shapes: shapes, facts: facts, table: table, parameters: parameters, shift: shift,
      threshold: threshold,
      positives: positives, negatives: negatives)
    model.selection = ModelSelection(
      family: AdditiveModel.family, criterion: nil, candidates: [],
      reason: """
        The parameters ask for the family. The smoothness of each term maximises the marginal likelihood; \
        \(model.pairs.count) pairs passed the score test\(members.isEmpty ? "" : "; the model is the mean of \(members.count) fits").
        """)
    return model
  }
}
