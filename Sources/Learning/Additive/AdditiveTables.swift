/// The terms of an additive model by slot, the form from which predictions and exports are made.
///
/// The slot of a value is the index of its bin or category; behind them a feature has a slot for missing values and one for unseen
/// categories. Where training saw no missing value, and for unseen categories, the terms add 0.
struct AdditiveTables {
  /// A feature by slot.
  struct Feature {
    /// Of a number: the edges between the slots, those of the shape function and of all pairs of the feature. The slot of a number is
    /// the number of edges that are not above it.
    var edges: [Double]
    /// The log-odds of each slot.
    var values: [Double]
    /// The slot of a missing value.
    var missing: Int { values.count - 2 }
    /// The slot of an unseen category.
    var unseen: Int { values.count - 1 }
  }

  /// A pair by the slots of its two features.
  struct Pair {
    /// The indices of the features in the model.
    var first: Int
    var second: Int
    /// The index of each slot on the axis; the number of indices for a slot without one.
    var firstIndex: [Int]
    var secondIndex: [Int]
    /// The cells, a row for each index of the first axis. The last row and the last column, of slots without an index, are 0.
    var cells: [[Double]]
  }

  var features: [Feature]
  var pairs: [Pair]

  init(_ model: AdditiveModel) {
    var edges = model.features.map { Set($0.edges ?? []) }
    for pair in model.pairs {
      for axis in [pair.first, pair.second] { edges[axis.feature].formUnion(axis.edges ?? []) }
    }
    let features = zip(model.features, edges).map { feature, edges in
      let sorted = edges.sorted()
      let bins =
        feature.categories == nil
        ? [0] + sorted.map { (feature.edges ?? []).bin(of: $0) } : Array(0..<(feature.categories ?? []).count)
      let values = bins.map { $0 < feature.bins.count ? feature.bins[$0].value : 0 }
      return Feature(edges: sorted, values: values + [feature.missing?.value ?? 0, 0])
    }
    self.features = features
    pairs = model.pairs.map { pair in
      let count = pair.second.count
      var cells = (0...pair.first.count).map { _ in [Double](repeating: 0, count: count + 1) }
      for (place, cell) in pair.cells.enumerated() { cells[place / count][place % count] = cell.value }
      return Pair(
        first: pair.first.feature, second: pair.second.feature,
        firstIndex: pair.first.indices(of: features[pair.first.feature]),
        secondIndex: pair.second.indices(of: features[pair.second.feature]), cells: cells)
    }
  }
}

extension AdditivePair.Axis {
  /// The index on the axis of each slot of its feature; `count` for a slot without one.
  fileprivate func indices(of feature: AdditiveTables.Feature) -> [Int] {
    let slots = feature.missing
    var indices: [Int]
    if let groups {
      indices = (0..<slots).map { $0 < groups.count && groups[$0] < count ? groups[$0] : count }
    } else {
      // An edge of the axis is an edge of the feature's slots, so that all numbers of a slot have the same index.
      let edges = edges ?? []
      indices = (0..<slots).map { slot in
        slot == 0 ? 0 : edges.reduce(0) { $0 + ($1 <= feature.edges[slot - 1] ? 1 : 0) }
      }
    }
    indices.append(missing ?? count)
    indices.append(count)
    return indices
  }
}
