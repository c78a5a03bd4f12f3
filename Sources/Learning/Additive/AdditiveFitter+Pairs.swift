import CKernels

/// The pairs of a fit.
extension AdditiveFitter {
  /// The pairs to use whatever the residuals say.
  func givenPairs(_ base: Fitted?, _ binned: BinnedTable) -> [(PairAxis, PairAxis)]? {
    guard let base else { return nil }
    func axis(_ old: PairAxis) -> PairAxis {
      let feature = binned.features[old.feature]
      if old.isOrdered {
        var axis = PairAxis(
          feature, feature: old.feature, most: old.count, edges: old.edges(base.binned.features[old.feature]))
        // Missing values have their place on the axis, though no row of this fit has one.
        if old.missing != nil, axis.missing == nil {
          axis.missing = axis.count
          axis.count += 1
        }
        return axis
      }
      var axis = old
      axis.map =
        Array(old.map.prefix(feature.bins))
        + (feature.hasMissing ? [UInt16(old.missing ?? Int(UInt16.max))] : []) + [.max]
      return axis
    }
    return base.axes.map { (axis($0.0), axis($0.1)) }
  }

  func chosenPairs(
    _ system: AdditiveSystem, _ result: SmoothnessSolver.Result, _ axes: [PairAxis], most: Int
  ) throws -> [(Int, Int)] {
    if let given = parameters.additive.pairs {
      let places = Dictionary(table.names.enumerated().map { ($1, $0) }) { first, _ in first }
      return given.compactMap { pair in
        guard pair.count == 2, let first = places[pair[0]], let second = places[pair[1]], first != second
        else { return nil }
        return (min(first, second), max(first, second))
      }
    }
    let beta = result.point.beta
    let importance = system.terms.map { term in
      (0..<term.count).reduce(0) { $0 + system.masses[term.first + $1] * abs(beta[term.first + $1]) }
    }
    let candidates = axes.indices.filter {
      axes[$0].count > 1 && parameters.additive.monotone[table.names[$0]] == nil
    }
    .sorted { importance[$0] != importance[$1] ? importance[$0] > importance[$1] : $0 < $1 }
    let (residual, curvature) = system.residuals
    let screening = PairScreening(
      axes: axes, codes: Array(system.codes.prefix(axes.count)), residual: residual, curvature: curvature,
      rowCount: system.rowCount, runner: runner)
    return try screening.chosen(candidates, most: most)
  }

  func pairCodes(
    _ axes: [(PairAxis, PairAxis)], _ codes: [UnsafePointer<UInt16>], _ storage: CodeStorage
  ) throws {
    let (start, count) = (storage.start, storage.rows)
    // Tasks write disjoint arrays.
    nonisolated(unsafe) let source = codes
    try runner.run(axes.count) { index, _, _ in
      let (first, second) = axes[index]
      ck_pair_codes(
        source[first.feature], first.map, source[second.feature], second.map, UInt16(second.count),
        UInt16(first.count * second.count), count, start + index * count)
    }
  }

  func pairRows(_ system: AdditiveSystem, features: Int) throws -> [[Int]] {
    let pairs = Array(system.terms.dropFirst(features))
    let (codes, mass, count) = (Array(system.codes.dropFirst(features)), system.mass, system.rowCount)
    return try pairs.indices.map { index in
      try runner.checkCancelled()
      var rows = [Int](repeating: 0, count: pairs[index].count + 1)
      for row in 0..<count where mass[row] > 0 { rows[Int(codes[index][row])] += 1 }
      return Array(rows.dropLast())
    }
  }
}
