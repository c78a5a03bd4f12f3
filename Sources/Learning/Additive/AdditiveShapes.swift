/// The functions of an additive model as plain numbers, with the masses of their bins: centred, purified and averaged here.
struct AdditiveShapes: Sendable {
  /// The function of one feature.
  struct Main: Sendable {
    /// The edges of a number.
    var edges: [Double] = []
    /// The value and the mass of each bin, or of each level of the table for categories.
    var values: [Double]
    var masses: [Double]
    /// Those of missing values.
    var missing: (value: Double, mass: Double)?
  }

  /// The table of a pair.
  struct Pair: Sendable {
    var first: Axis
    var second: Axis
    var values: [Double]
    var masses: [Double]
  }

  /// An axis of a table.
  struct Axis: Sendable {
    var feature: Int
    /// The edges of a number.
    var edges: [Double]
    /// The index of each level of the table; -1 for levels that no row has. Absent for a number.
    var groups: [Int]?
    var missing: Int?
    var count: Int

    /// The index of a bin of the feature, given by the edges of its function.
    func index(ofBin bin: Int, _ featureEdges: [Double]) -> Int {
      bin == 0 ? 0 : edges.bin(of: featureEdges[bin - 1])
    }
  }

  var intercept: Double
  var mains: [Main]
  var pairs: [Pair]

  /// The shapes of a fit.
  init(_ fitted: AdditiveFitter.Fitted) {
    intercept = fitted.beta[0]
    mains = fitted.binned.features.enumerated().map { index, feature in
      let first = fitted.terms[index].first
      let columns = feature.kind == .categorical ? feature.levels.map(Int.init) : Array(0..<feature.bins)
      // Levels that share a bin share its mass by their rows.
      let counts = feature.kind == .categorical ? feature.levelRows.map(Double.init) : []
      return Main(
        edges: feature.edges, values: columns.map { $0 < feature.bins ? fitted.beta[first + $0] : 0 },
        masses: columns.enumerated().map { place, column in
          guard column < feature.bins else { return 0 }
          let mass = fitted.masses[first + column]
          return counts.isEmpty ? mass : mass * counts[place] / Double(max(1, feature.rows[column]))
        },
        missing: feature.hasMissing
          ? (fitted.beta[first + feature.bins], fitted.masses[first + feature.bins]) : nil)
    }
    pairs = fitted.axes.enumerated().map { index, axes in
      let term = fitted.terms[fitted.binned.features.count + index]
      let columns = term.first..<(term.first + term.count)
      return Pair(
        first: Axis(axes.0, fitted.binned), second: Axis(axes.1, fitted.binned),
        values: Array(fitted.beta[columns]),
        masses: Array(fitted.masses[columns]))
    }
  }

  /// Moves the marginal means of the tables to the functions of their features, and the means of all functions to the intercept. The
  /// sum stays as it is.
  mutating func purify() {
    for index in pairs.indices { purify(pair: index) }
    for index in mains.indices {
      let own = mains[index]
      let mass = own.masses.reduce(0, +) + (own.missing?.mass ?? 0)
      guard mass > 0 else { continue }
      let sum = zip(own.values, own.masses).reduce(0) { $0 + $1.0 * $1.1 }
      let mean = (sum + (own.missing.map { $0.value * $0.mass } ?? 0)) / mass
      mains[index].values = zip(own.values, own.masses).map {
        $1 > 0 || own.edges.isEmpty == false ? $0 - mean : 0
      }
      mains[index].missing?.value -= mean
      intercept += mean
    }
  }

  private mutating func purify(pair index: Int) {
    var pair = pairs[index]
    let (rows, columns) = (pair.first.count, pair.second.count)
    var (rowShift, columnShift) = (
      [Double](repeating: 0, count: rows), [Double](repeating: 0, count: columns)
    )
    for _ in 0..<200 {
      var largest = 0.0
      for row in 0..<rows {
        let cells = (0..<columns).map { row * columns + $0 }
        let mean = Self.mean(pair, cells)
        for cell in cells { pair.values[cell] -= mean }
        rowShift[row] += mean
        largest = max(largest, abs(mean))
      }
      for column in 0..<columns {
        let cells = (0..<rows).map { $0 * columns + column }
        let mean = Self.mean(pair, cells)
        for cell in cells { pair.values[cell] -= mean }
        columnShift[column] += mean
        largest = max(largest, abs(mean))
      }
      if largest < 1e-13 { break }
    }
    pairs[index] = pair
    add(rowShift, along: pair.first)
    add(columnShift, along: pair.second)
  }

  private static func mean(_ pair: Pair, _ cells: [Int]) -> Double {
    let mass = cells.reduce(0) { $0 + pair.masses[$1] }
    return mass > 0 ? cells.reduce(0) { $0 + pair.values[$1] * pair.masses[$1] } / mass : 0
  }

  private mutating func add(_ shift: [Double], along axis: Axis) {
    let edges = mains[axis.feature].edges
    for place in mains[axis.feature].values.indices {
      let index = axis.groups.map { $0[place] } ?? axis.index(ofBin: place, edges)
      if index >= 0 { mains[axis.feature].values[place] += shift[index] }
    }
    if let missing = axis.missing { mains[axis.feature].missing?.value += shift[missing] }
  }
}

extension AdditiveShapes.Axis {
  init(_ axis: PairAxis, _ binned: BinnedTable) {
    let feature = binned.features[axis.feature]
    self.feature = axis.feature
    edges = axis.edges(feature)
    groups =
      axis.isOrdered
      ? nil
      : feature.levels.map {
        Int($0) < feature.bins && axis.map[Int($0)] != .max ? Int(axis.map[Int($0)]) : -1
      }
    missing = axis.missing
    count = axis.count
  }
}

extension Array where Element == Double {
  /// The bin of a value: the number of ascending edges that are not above it.
  func bin(of value: Double) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if self[middle] <= value { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

extension AdditiveShapes {
  /// The mean of the shapes of several fits with the same pairs and categories, on the union of their edges. The masses are those of
  /// `base`, a fit to all rows, divided where its bins are.
  static func mean(of members: [AdditiveShapes], base: AdditiveShapes) -> AdditiveShapes {
    var mean = base
    let share = 1 / Double(members.count)
    mean.intercept = members.reduce(0) { $0 + $1.intercept } * share
    for index in base.mains.indices {
      let parts = members.map { $0.mains[index] }
      if base.mains[index].missing != nil {
        mean.mains[index].missing?.value = parts.reduce(0) { $0 + ($1.missing?.value ?? 0) } * share
      }
      let edges = Set(parts.flatMap(\.edges) + base.mains[index].edges).sorted()
      guard !edges.isEmpty else {
        for place in base.mains[index].values.indices {
          mean.mains[index].values[place] = parts.reduce(0) { $0 + $1.values[place] } * share
        }
        continue
      }
      mean.mains[index].edges = edges
      mean.mains[index].values = (0...edges.count).map { bin in
        parts.reduce(0) { $0 + $1.values[bin == 0 ? 0 : $1.edges.bin(of: edges[bin - 1])] } * share
      }
      mean.mains[index].masses = [Double](repeating: 0, count: edges.count + 1)
    }
    for index in base.pairs.indices {
      for cell in base.pairs[index].values.indices {
        mean.pairs[index].values[cell] = members.reduce(0) { $0 + $1.pairs[index].values[cell] } * share
      }
    }
    return mean
  }
}
