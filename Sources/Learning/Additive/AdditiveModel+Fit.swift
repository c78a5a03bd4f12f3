/// The numbers of an additive model that its shapes do not have.
struct AdditiveFacts {
  /// The rows of each bin of a feature, or of each level of the table, the missing values last.
  var rows: [[Int]]
  /// The rows of each cell of a pair.
  var pairRows: [[Int]]
}

extension AdditiveModel {
  /// Makes a model from the fit to all its rows, and from the shapes that predict, which may be the mean of several fits.
  init(
    _ fitted: AdditiveFitter.Fitted, shapes: AdditiveShapes, facts: AdditiveFacts, table: TrainingTable,
    parameters: TrainingParameters, shift: Double?, threshold: Double, positives: Int, negatives: Int
  ) {
    let base = AdditiveShapes(fitted)
    features = table.names.indices.map { index in
      Self.feature(index, fitted, shapes.mains[index], facts.rows[index], base.mains[index], table)
    }
    pairs = shapes.pairs.indices.map { index in
      let pair = shapes.pairs[index]
      let term = fitted.terms[table.names.count + index]
      let total = max(pair.masses.reduce(0, +), .leastNormalMagnitude)
      return AdditivePair(
        first: Self.axis(pair.first, table, shapes), second: Self.axis(pair.second, table, shapes),
        cells: pair.values.indices.map { cell in
          AdditiveCell(
            value: pair.values[cell], standardError: fitted.standardErrors?[term.first + cell],
            rows: facts.pairRows[index][cell])
        },
        smoothness: term.penalties.first?.lambda, degreesOfFreedom: fitted.freedom[table.names.count + index],
        importance: zip(pair.values, pair.masses).reduce(0) { $0 + abs($1.0) * $1.1 } / total)
    }
    intercept = shapes.intercept + (shift ?? 0)
    // The standard error of the weighted likelihood is not that of an intercept that was fitted to other weights.
    interceptStandardError = shift == nil ? fitted.standardErrors?[0] : nil
    interceptShift = shift
    self.threshold = threshold
    converged = fitted.converged
    iterations = fitted.iterations
    trainingLoss = fitted.loss
    self.positives = positives
    self.negatives = negatives
    self.parameters = parameters
  }

  private static func feature(
    _ index: Int, _ fitted: AdditiveFitter.Fitted, _ shape: AdditiveShapes.Main, _ rows: [Int],
    _ base: AdditiveShapes.Main,
    _ table: TrainingTable
  ) -> AdditiveFeature {
    let (binned, term) = (fitted.binned.features[index], fitted.terms[index])
    func error(_ bin: Int) -> Double? { fitted.standardErrors?[term.first + bin] }
    let total = max(shape.masses.reduce(0, +) + (shape.missing?.mass ?? 0), .leastNormalMagnitude)
    let sum = zip(shape.values, shape.masses).reduce(0) { $0 + abs($1.0) * $1.1 }
    var feature = AdditiveFeature(
      name: table.names[index], kind: table.kinds[index],
      missingRows: binned.hasMissing ? rows[rows.count - 1] : 0, bins: [],
      missing: shape.missing.map {
        AdditiveCell(value: $0.value, standardError: error(binned.bins), rows: rows[rows.count - 1])
      },
      smoothness: term.penalties.first?.lambda, degreesOfFreedom: fitted.freedom[index],
      importance: (sum + (shape.missing.map { abs($0.value) * $0.mass } ?? 0)) / total)
    if case .categorical(_, let levels) = table.columns[index] {
      let present = levels.indices.filter { binned.levelRows[$0] > 0 }
      feature.categories = present.map { levels[$0] }
      feature.bins = present.map { level in
        AdditiveCell(
          value: shape.values[level], standardError: error(Int(binned.levels[level])), rows: rows[level])
      }
    } else {
      feature.edges = shape.edges
      feature.minimum = binned.range?.lowerBound
      feature.maximum = binned.range?.upperBound
      feature.bins = shape.values.indices.map { bin in
        AdditiveCell(
          value: shape.values[bin],
          standardError: error(bin == 0 ? 0 : base.edges.bin(of: shape.edges[bin - 1])),
          rows: rows[bin])
      }
    }
    return feature
  }

  private static func axis(
    _ axis: AdditiveShapes.Axis, _ table: TrainingTable, _ shapes: AdditiveShapes
  ) -> AdditivePair.Axis {
    AdditivePair.Axis(
      feature: axis.feature, edges: axis.groups == nil ? axis.edges : nil,
      // The categories of the model are the levels with rows.
      groups: axis.groups.map { $0.filter { $0 >= 0 } }, missing: axis.missing, count: axis.count)
  }
}

extension AdditiveFacts {
  /// Counts the rows with a mass above 0 by the bins of shapes, and gives the shapes the masses of their bins.
  init(_ table: TrainingTable, mass: UnsafePointer<Double>, shapes: inout AdditiveShapes) {
    rows = []
    for index in shapes.mains.indices {
      var main = shapes.mains[index]
      var counts = [Int](repeating: 0, count: main.values.count + 1)
      var masses = [Double](repeating: 0, count: main.values.count + 1)
      Self.each(table.columns[index], main) { row, bin in
        guard mass[row] > 0 else { return }
        counts[bin] += 1
        masses[bin] += mass[row]
      }
      main.masses = Array(masses.dropLast())
      if main.missing != nil { main.missing?.mass = masses[masses.count - 1] }
      shapes.mains[index] = main
      rows.append(counts)
    }
    pairRows = []
    for index in shapes.pairs.indices {
      let pair = shapes.pairs[index]
      var places = [[Int]]()
      for axis in [pair.first, pair.second] {
        let main = shapes.mains[axis.feature]
        var indices = [Int](repeating: -1, count: table.rowCount)
        Self.each(table.columns[axis.feature], main) { row, bin in
          indices[row] =
            bin == main.values.count
            ? axis.missing ?? -1 : axis.groups.map { $0[bin] } ?? axis.index(ofBin: bin, main.edges)
        }
        places.append(indices)
      }
      var counts = [Int](repeating: 0, count: pair.values.count)
      var masses = [Double](repeating: 0, count: pair.values.count)
      for row in 0..<table.rowCount where mass[row] > 0 && places[0][row] >= 0 && places[1][row] >= 0 {
        let cell = places[0][row] * pair.second.count + places[1][row]
        counts[cell] += 1
        masses[cell] += mass[row]
      }
      shapes.pairs[index].masses = masses
      pairRows.append(counts)
    }
  }

  /// Calls `body` with the bin of each row; the number of bins for a missing value.
  private static func each(
    _ column: TrainingTable.Column, _ main: AdditiveShapes.Main, _ body: (Int, Int) -> Void
  ) {
    switch column {
    case .numeric(let values):
      for row in values.indices {
        body(row, values[row].isNaN ? main.values.count : main.edges.bin(of: values[row]))
      }
    case .categorical(let codes, _):
      for row in codes.indices { body(row, codes[row] < 0 ? main.values.count : Int(codes[row])) }
    }
  }

  /// The counts of a fit whose shapes are its own.
  init(_ fitted: AdditiveFitter.Fitted) {
    rows = fitted.binned.features.map { feature in
      (feature.kind == .categorical ? feature.levelRows : Array(feature.rows.prefix(feature.bins))) + [
        feature.rows[feature.bins]
      ]
    }
    pairRows = fitted.pairRows
  }
}
