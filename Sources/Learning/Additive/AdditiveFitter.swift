import CKernels

/// Fits an additive model to the rows with a mass above 0, and predicts all rows of a table.
struct AdditiveFitter {
  let table: TrainingTable
  let parameters: TrainingParameters
  let runner: BlockRunner
  /// Called with the number of the step and the objective.
  var progress: (Int, Double) -> Void = { _, _ in }

  /// A fit: bins, terms and coefficients.
  struct Fitted {
    var binned: BinnedTable
    var axes: [(PairAxis, PairAxis)]
    /// The terms: of the features, then of the pairs.
    var terms: [AdditiveTerm]
    var beta: [Double]
    /// The mass of the rows of each column.
    var masses: [Double]
    var standardErrors: [Double]?
    /// The effective degrees of freedom of each term.
    var freedom: [Double]
    var converged: Bool
    var iterations: Int
    /// The mean loss per mass.
    var loss: Double
    /// The margin of each row of the table.
    var margins: [Double]
    /// The fitted rows of each cell of the pairs.
    var pairRows: [[Int]]
  }

  /// Of more rows than this, a part finds the smoothness and the pairs.
  private static let searchRows = 1 << 16

  /// Fits the rows.
  ///
  /// - Parameters:
  ///   - mass: the weight of each row; 0 for rows that are not fitted.
  ///   - withInference: whether standard errors are computed.
  ///   - base: a fit whose pairs, with their axes, and whose categories are used.
  func fit(mass: UnsafePointer<Double>, withInference: Bool, like base: Fitted? = nil) throws -> Fitted {
    var required: [Int: [Double]] = [:]
    for (first, second) in base?.axes ?? [] {
      for axis in [first, second] where axis.isOrdered {
        guard let feature = base?.binned.features[axis.feature] else { continue }
        required[axis.feature, default: []] += axis.edges(feature)
      }
    }
    var binned = try BinnedTable(
      table, mass: mass, parameters: parameters.additive, runner: runner, like: base?.binned,
      required: required)
    return try table.outcomes.withUnsafeBufferPointer { outcomes in
      guard let outcomes = outcomes.baseAddress else {
        throw LearningError.tooFewRows(rows: 0, positives: 0, negatives: 0)
      }
      let rows = FittedRows(outcomes: outcomes, mass: mass, count: table.rowCount)
      while true {
        let fitted = try fit(binned, rows, withInference, base)
        guard let merged = merged(fitted, binned) else { return fitted }
        binned = merged
      }
    }
  }

  /// The bins with those merged that break the order of a monotone feature; nil if none does.
  ///
  /// The pools of isotonic regression (Barlow, Bartholomew, Bremner and Brunk 1972) are the bins whose values are the same in the
  /// monotone fit. The next fit has one coefficient for each pool, so that the order holds exactly.
  private func merged(_ fitted: Fitted, _ binned: BinnedTable) -> BinnedTable? {
    var merged: BinnedTable?
    for (index, name) in table.names.enumerated() {
      guard let direction = parameters.additive.monotone[name], binned.features[index].kind != .categorical
      else { continue }
      let (term, feature) = (fitted.terms[index], binned.features[index])
      let sign = direction == .increasing ? 1.0 : -1.0
      let pools = IsotonicPools(
        values: (0..<feature.bins).map { sign * fitted.beta[term.first + $0] },
        weights: (0..<feature.bins).map { max(fitted.masses[term.first + $0], 1e-9) })
      guard pools.starts.count < feature.bins else { continue }
      merged = (merged ?? binned).merging(index, into: pools.starts)
    }
    return merged
  }

  private func fit(
    _ binned: BinnedTable, _ rows: FittedRows, _ withInference: Bool, _ base: Fitted?
  ) throws -> Fitted {
    let sample =
      rows.count > 2 * Self.searchRows
      ? try SampledRows(binned, rows, most: Self.searchRows, runner: runner) : nil
    let (codes, owner, searched): ([UnsafePointer<UInt16>], AnyObject, FittedRows) =
      if let sample { (sample.codes, sample, sample.rows) } else {
        (
          binned.features.indices.map { UnsafePointer(binned.codes.start + $0 * rows.count) }, binned.codes,
          rows
        )
      }
    func system(
      _ terms: [AdditiveTerm], _ codes: [UnsafePointer<UInt16>], _ owners: [AnyObject], _ rows: FittedRows
    ) throws -> AdditiveSystem {
      try AdditiveSystem(
        terms: terms, codes: codes, owners: owners, rowCount: rows.count, outcomes: rows.outcomes,
        mass: rows.mass,
        runner: runner)
    }
    let searches = parameters.additive.smoothness == nil
    let columns = binned.features.reduce(1) { $0 + $1.count + 1 }
    guard columns <= Self.mainColumns else {
      throw LearningError.tooLarge(
        detail: """
          The features have \(columns) bins and categories in all; \(Self.mainColumns) are the most that an additive model can have. \
          Use the family 'linear', or 'auto'.
          """)
    }
    var main = try system(mainTerms(binned), codes, [owner], searched)
    let wantsPairs = parameters.additive.maxPairs > 0 || parameters.additive.pairs != nil
    let solver = solver(main)
    var result = try solver.run(
      from: start(main), isSearching: searches, isRough: wantsPairs || sample != nil)
    var axes: [(PairAxis, PairAxis)] = []
    if let given = givenPairs(base, binned) {
      axes = given
    } else if wantsPairs {
      let fittedRows = binned.features.first.map { $0.rows.reduce(0, +) } ?? 0
      let most = PairAxis.most(rows: fittedRows)
      var all = binned.features.enumerated().map { PairAxis($0.element, feature: $0.offset, most: most) }
      let pairs = try chosenPairs(
        main, result, all, most: min(parameters.additive.maxPairs, fittedRows / Self.rowsPerPair))
      // Many pairs have coarser tables, so that the linear systems stay small.
      let side = min(most, Int((Double(Self.pairColumns) / Double(max(1, pairs.count))).squareRoot()))
      if side < most {
        for index in all.indices { all[index] = PairAxis(binned.features[index], feature: index, most: side) }
      }
      axes = pairs.map { (all[$0.0], all[$0.1]) }
    }
    if !axes.isEmpty {
      let terms = main.terms + pairTerms(axes, after: main.terms)
      let pairStorage = CodeStorage(rows: searched.count, terms: axes.count)
      try pairCodes(axes, codes, pairStorage)
      let beta =
        result.point.beta
        + [Double](repeating: 0, count: (terms.last.map { $0.first + $0.count + 1 } ?? 1) - main.columns)
      main = try system(
        terms, codes + axes.indices.map { UnsafePointer(pairStorage.start + $0 * searched.count) },
        [owner, pairStorage],
        searched)
      result = try self.solver(main).run(from: beta, isSearching: searches, isRough: true)
      // A pair that its smoothness has removed costs columns, and nothing else.
      let freedom = try self.freedom(main, result)
      let kept = axes.indices.filter {
        base != nil || freedom[binned.features.count + $0] > Self.leastFreedom
      }
      if kept.count < axes.count || sample == nil {
        (main, result, axes) = try reduced(
          main, result, axes, kept, binned, searched, searches: searches, isRough: sample != nil)
      }
    } else if wantsPairs, sample == nil {
      result = try self.solver(main).run(from: result.point.beta, isSearching: false)
    }
    if sample != nil {
      let fullCodes = binned.features.indices.map { UnsafePointer(binned.codes.start + $0 * rows.count) }
      let pairStorage = CodeStorage(rows: rows.count, terms: axes.count)
      try pairCodes(axes, fullCodes, pairStorage)
      main = try system(
        main.terms, fullCodes + axes.indices.map { UnsafePointer(pairStorage.start + $0 * rows.count) },
        [binned.codes, pairStorage], rows)
      result = try self.solver(main).run(from: result.point.beta, isSearching: false)
    }
    return try fitted(binned, axes, main, result, withInference)
  }

  /// Rows for each pair that is looked for: few rows cannot tell many pairs from chance.
  private static let rowsPerPair = 400
  /// The most columns of all pairs together.
  private static let pairColumns = 1_440
  /// The most columns of all features together.
  static let mainColumns = 2_500

  /// A pair with fewer effective degrees of freedom is left out.
  private static let leastFreedom = 0.2

  private func solver(_ system: AdditiveSystem) -> SmoothnessSolver {
    SmoothnessSolver(
      system: system, tolerance: parameters.tolerance, maxIterations: parameters.maxIterations,
      progress: progress)
  }

  /// The model without features.
  private func start(_ system: AdditiveSystem) -> [Double] {
    var beta = [Double](repeating: 0, count: system.columns)
    var positive = 0.0
    for row in 0..<system.rowCount where system.outcomes[row] == 1 { positive += system.mass[row] }
    beta[0] = (positive / (system.masses[0] - positive)).logarithm
    return beta
  }

  private func mainTerms(_ binned: BinnedTable) -> [AdditiveTerm] {
    var next = 1
    return binned.features.enumerated().map { index, feature in
      var term =
        feature.kind == .categorical
        ? AdditiveTerm.nominal(index, bins: feature.bins, hasMissing: feature.hasMissing, first: next)
        : AdditiveTerm.ordered(index, bins: feature.bins, hasMissing: feature.hasMissing, first: next)
      next += term.count + 1
      setInitial(&term)
      return term
    }
  }

  private func pairTerms(_ axes: [(PairAxis, PairAxis)], after terms: [AdditiveTerm]) -> [AdditiveTerm] {
    var next = terms.last.map { $0.first + $0.count + 1 } ?? 1
    return axes.map { first, second in
      var term = AdditiveTerm.table(first, second, first: next)
      next += term.count + 1
      setInitial(&term)
      return term
    }
  }

  private func setInitial(_ term: inout AdditiveTerm) {
    for index in term.penalties.indices { term.penalties[index].lambda = parameters.additive.smoothness ?? 5 }
  }

  /// The effective degrees of freedom of each term.
  private func freedom(_ system: AdditiveSystem, _ result: SmoothnessSolver.Result) throws -> [Double] {
    freedom(system, try InverseRows(result.factor, runner: runner))
  }

  private func freedom(_ system: AdditiveSystem, _ inverse: InverseRows) -> [Double] {
    system.terms.map { term in
      term.penalties.reduce(0) {
        $0 + max(0, Double($1.rank) - $1.lambda * inverse.trace($1, first: term.first))
      }
    }
  }

  /// Leaves out the pairs that are not kept, and goes on to convergence.
  private func reduced(
    _ system: AdditiveSystem, _ result: SmoothnessSolver.Result, _ axes: [(PairAxis, PairAxis)],
    _ kept: [Int],
    _ binned: BinnedTable, _ rows: FittedRows, searches: Bool, isRough: Bool
  ) throws -> (AdditiveSystem, SmoothnessSolver.Result, [(PairAxis, PairAxis)]) {
    if kept.count == axes.count {
      return (system, try solver(system).run(from: result.point.beta, isSearching: false), axes)
    }
    let features = binned.features.count
    var terms = Array(system.terms.prefix(features))
    var beta = Array(result.point.beta.prefix(terms.last.map { $0.first + $0.count + 1 } ?? 1))
    for index in kept {
      var term = system.terms[features + index]
      let old = term.first
      term.first = beta.count
      beta += result.point.beta[old..<(old + term.count + 1)]
      terms.append(term)
    }
    let codes = Array(system.codes.prefix(features)) + kept.map { system.codes[features + $0] }
    let smaller = try AdditiveSystem(
      terms: terms, codes: codes, owners: system.owners, rowCount: rows.count, outcomes: rows.outcomes,
      mass: rows.mass,
      runner: runner)
    let next = try solver(smaller).run(from: beta, isSearching: searches && isRough, isRough: isRough)
    return (smaller, next, kept.map { axes[$0] })
  }

  private func fitted(
    _ binned: BinnedTable, _ axes: [(PairAxis, PairAxis)], _ system: AdditiveSystem,
    _ result: SmoothnessSolver.Result,
    _ withInference: Bool
  ) throws -> Fitted {
    let inverse = try InverseRows(result.factor, runner: runner)
    var errors: [Double]?
    if withInference, result.converged {
      errors = (0..<system.columns).map { inverse.covariance($0, $0).squareRoot() }
    }
    return Fitted(
      binned: binned, axes: axes, terms: system.terms, beta: result.point.beta, masses: system.masses,
      standardErrors: errors, freedom: freedom(system, inverse), converged: result.converged,
      iterations: result.iterations, loss: result.point.loss / max(system.masses[0], .leastNormalMagnitude),
      margins: Array(UnsafeBufferPointer(start: system.margins, count: system.rowCount)),
      pairRows: try pairRows(system, features: binned.features.count))
  }
}
