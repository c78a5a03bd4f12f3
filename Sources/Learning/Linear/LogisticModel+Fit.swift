extension LogisticModel {
  /// Makes a model from a fit.
  init(
    _ part: LinearFit, table: TrainingTable, layout: DesignLayout, parameters: TrainingParameters,
    threshold: Double
  ) {
    let (fit, encoding, inference) = (part.fit, part.encoding, part.inference)
    let (references, penalty) = (part.solver.references, part.solver.objective.penalty)
    func status(_ column: Int, constant: Bool) -> ModelFeature.Status {
      if constant { return .constant }
      if references.contains(column) { return .reference }
      return fit.skipped[column] ? .collinear : .estimated
    }
    func coefficient(_ column: Int, scale: Double = 1, constant: Bool = false) -> ModelFeature.Coefficient {
      let status = status(column, constant: constant)
      return ModelFeature.Coefficient(
        standardized: status == .estimated ? fit.beta[column] : 0, scale: scale, status: status,
        standardError: inference?.standardErrors[column])
    }
    features = zip(layout.slots, zip(table.names, zip(table.kinds, table.columns))).map { slot, column in
      var feature = ModelFeature(name: column.0, kind: column.1.0, missingRows: 0)
      switch slot {
      case .numeric(let index, let position, let indicator):
        let moments = encoding.numeric[index]
        feature.missingRows = Int(moments.missing)
        let present = moments.count > 0
        feature.mean = present ? moments.mean : nil
        feature.scale = present ? moments.standardDeviation : nil
        feature.minimum = present ? moments.minimum : nil
        feature.maximum = present ? moments.maximum : nil
        feature.coefficient = coefficient(
          position, scale: moments.isConstant ? 1 : moments.standardDeviation, constant: moments.isConstant)
        feature.missing = indicator.map { coefficient($0, constant: !present) }
      case .factor(let index, let first, let count, let missing):
        let counts = encoding.factors[index]
        feature.missingRows = Int(counts[count])
        if case .categorical(_, let levels) = column.1.1 {
          feature.categories = levels.enumerated().filter { counts[$0.offset] > 0 }.map { level, name in
            ModelFeature.Category(
              name: name, rows: Int(counts[level]), coefficient: coefficient(first + level))
          }
        }
        feature.missing = missing.map { coefficient($0) }
      }
      return feature
    }
    let beta = part.beta
    intercept = encoding.original(beta, layout: layout)[0]
    // The standard error of the weighted likelihood is not that of an intercept that was fitted to other weights.
    interceptStandardError = part.shift == nil ? inference?.interceptStandardError : nil
    standardizedIntercept = beta[0]
    interceptShift = part.shift
    self.threshold = threshold
    converged = fit.converged
    iterations = fit.iterations
    trainingLoss = (fit.objective - penalty.value(fit.beta)) / encoding.totalWeight
    negatives = encoding.rows[0]
    positives = encoding.rows[1]
    chosenC = fit.chosenC
    self.parameters = parameters
  }

  /// The model's coefficients on the original scale in the columns of a table's design, as a warm start; columns that
  /// the model does not know are 0. The intercept is that of the weighted fit if the parameters ask for one.
  func start(_ table: TrainingTable, layout: DesignLayout, parameters: TrainingParameters) -> [Double] {
    var start = [Double](repeating: 0, count: layout.columns)
    start[0] = parameters.classWeight == .balanced ? intercept - (interceptShift ?? 0) : intercept
    let known = Dictionary(features.map { ($0.name, $0) }) { first, _ in first }
    for (slot, (name, column)) in zip(layout.slots, zip(table.names, table.columns)) {
      guard let feature = known[name] else { continue }
      switch (slot, column) {
      case (.numeric(_, let position, let indicator), _):
        start[position] = feature.coefficient?.value ?? 0
        if let indicator { start[indicator] = feature.missing?.value ?? 0 }
      case (.factor(_, let first, _, let missing), .categorical(_, let levels)):
        let values = Dictionary((feature.categories ?? []).map { ($0.name, $0.coefficient.value) }) { a, _ in
          a
        }
        for (level, name) in levels.enumerated() { start[first + level] = values[name] ?? 0 }
        if let missing { start[missing] = feature.missing?.value ?? 0 }
      default: continue
      }
    }
    return start
  }
}
