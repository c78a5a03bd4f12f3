extension AdditiveModel {
  /// The shape functions and tables, with bins of at least `minimumRows` training rows each.
  public func terms(minimumRows: Int) -> [ModelTerm] {
    features.map { .feature($0.term(minimumRows)) } + pairs.map { .pair(term($0, minimumRows)) }
  }

  private func term(_ pair: AdditivePair, _ minimumRows: Int) -> ModelTerm.PairTerm {
    let columns = pair.second.count
    let first = parts(of: pair.first, minimumRows) { index in
      (0..<columns).reduce(0) { $0 + pair.cells[index * columns + $1].rows }
    }
    let second = parts(of: pair.second, minimumRows) { index in
      (0..<pair.first.count).reduce(0) { $0 + pair.cells[$1 * columns + index].rows }
    }
    var term = ModelTerm.PairTerm(
      first: first.axis, second: second.axis, regions: [], bins: [], smoothness: pair.smoothness,
      degreesOfFreedom: pair.degreesOfFreedom, importance: pair.importance)
    let cells = first.parts.flatMap { lines in
      second.parts.map { places in
        ModelTerm.Bin(
          merging: lines.flatMap { line in places.map { pair.cells[line * columns + $0].bin } })
      }
    }
    let axes = [first.axis, second.axis]
    let regions = ModelTerm.regions(
      rows: cells.map(\.rows), columns: second.parts.count, minimumRows: minimumRows
    ) { axis, one, other in
      guard one != axes[axis].missing, other != axes[axis].missing else { return false }
      return axes[axis].categories != nil || abs(one - other) == 1
    }
    guard !regions.isEmpty else { return term }
    term.bins = regions.map { ModelTerm.Bin(merging: $0.map { cells[$0] }) }
    term.regions = cells.map { _ in 0 }
    for (region, members) in regions.enumerated() {
      for cell in members { term.regions[cell] = region }
    }
    return term
  }

  /// The axis of a pair as it is shown, and the indices of the pair's axis behind each of its indices.
  private func parts(
    of axis: AdditivePair.Axis, _ minimumRows: Int, rows: (Int) -> Int
  ) -> (axis: ModelTerm.Axis, parts: [[Int]]) {
    let feature = features[axis.feature]
    let present = (0..<axis.count).filter { $0 != axis.missing }
    var shown = ModelTerm.Axis(
      feature: feature.name, kind: feature.kind, edges: nil, categories: nil, missing: nil, count: 0)
    var parts: [[Int]]
    if let categories = feature.categories, let groups = axis.groups {
      parts = ModelTerm.rarest(rows: present.map(rows), minimumRows: minimumRows)
        .map { $0.map { present[$0] } }
      shown.categories = parts.map { part in
        zip(categories, groups).filter { part.contains($0.1) }.map(\.0)
      }
    } else {
      parts = ModelTerm.neighbours(rows: present.map(rows), minimumRows: minimumRows)
        .map { $0.map { present[$0] } }
      shown.edges = parts.dropFirst().map { (axis.edges ?? [])[$0[0] - 1] }
    }
    if let missing = axis.missing, rows(missing) >= minimumRows {
      shown.missing = parts.count
      parts.append([missing])
    }
    shown.count = parts.count
    return (shown, parts)
  }
}

extension AdditiveFeature {
  fileprivate func term(_ minimumRows: Int) -> ModelTerm.FeatureTerm {
    let rows = bins.map(\.rows)
    var axis = ModelTerm.Axis(feature: name, kind: kind, edges: nil, categories: nil, missing: nil, count: 0)
    let parts: [[Int]]
    if let categories {
      parts = ModelTerm.rarest(rows: rows, minimumRows: minimumRows)
      axis.categories = parts.map { $0.map { categories[$0] } }
    } else {
      parts = ModelTerm.neighbours(rows: rows, minimumRows: minimumRows)
      axis.edges = parts.dropFirst().map { (edges ?? [])[$0[0] - 1] }
    }
    axis.count = parts.count
    return ModelTerm.FeatureTerm(
      form: categories == nil ? .steps : .levels, axis: axis,
      bins: parts.map { part in ModelTerm.Bin(merging: part.map { bins[$0].bin }) },
      missing: missing.flatMap { $0.rows >= minimumRows ? $0.bin : nil }, line: nil,
      minimum: minimum, maximum: maximum, smoothness: smoothness, degreesOfFreedom: degreesOfFreedom,
      importance: importance)
  }
}

extension AdditiveCell {
  fileprivate var bin: ModelTerm.Bin { ModelTerm.Bin(value: value, standardError: standardError, rows: rows) }
}
