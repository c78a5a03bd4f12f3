import Foundation
import Testing

@testable import Learning

/// Tests of the fit of additive models.
@Suite(.timeLimit(.minutes(5))) struct AdditiveFitTests {
  private static func parameters(_ change: (inout TrainingParameters) -> Void = { _ in })
    -> TrainingParameters
  {
    var parameters = TrainingParameters()
    parameters.family = .additive
    parameters.additive.bags = 1
    change(&parameters)
    return parameters
  }

  @Test func `the fit is the same for any number of threads`() throws {
    var rows = ShapedRows(seed: 1)
    let table = try rows.table(rows: 3_000)
    for bags in [1, 3] {
      let parameters = Self.parameters { $0.additive.bags = bags }
      let one = try AdditiveModel.fit(table, parameters: parameters, threads: 1)
      #expect(try AdditiveModel.fit(table, parameters: parameters, threads: 2) == one)
      #expect(try AdditiveModel.fit(table, parameters: parameters, threads: 5) == one)
      #expect(one.converged)
    }
  }

  @Test func `known shapes are found`() throws {
    var rows = ShapedRows(seed: 2)
    let model = try AdditiveModel.fit(try rows.table(rows: 20_000), parameters: Self.parameters())
    let truths: [(Double) -> Double] = [ShapedRows.first, ShapedRows.second]
    for (index, truth) in truths.enumerated() {
      let feature = model.features[index]
      var squares = 0.0
      for (bin, cell) in feature.bins.enumerated() {
        squares += Double(cell.rows) * pow(cell.value - Self.mean(truth, of: bin, feature), 2)
      }
      #expect((squares / 20_000).squareRoot() < 0.1)
    }
    #expect(model.features[2].importance < 0.05)
    #expect(model.features[3].categories == ["low", "middle", "high"])
    for (cell, truth) in zip(model.features[3].bins, [-0.7, 0, 0.7]) {
      #expect(abs(cell.value - truth) < 0.12)
    }
  }

  /// The mean of a function over a bin of a feature in −1…1.
  private static func mean(_ truth: @escaping (Double) -> Double, of bin: Int, _ feature: AdditiveFeature)
    -> Double
  {
    let edges = [-1] + (feature.edges ?? []) + [1]
    let (low, high) = (edges[bin], edges[bin + 1])
    return (0..<20).reduce(0) { $0 + truth(low + (high - low) * (Double($1) + 0.5) / 20) } / 20
  }

  @Test func `bands cover a random walk in 93 to 97 % of cases`() throws {
    let (covered, all) = try Self.coverage(replicates: 40) { try $0.walks(rows: 2_000) }
    #expect(covered / all > 0.93 && covered / all < 0.97, "coverage \(covered / all)")
  }

  /// Smooth functions are smoother than the prior expects, so that the bands are too wide rather than too narrow.
  @Test func `bands cover smooth functions in at least 93 % of cases`() throws {
    let (covered, all) = try Self.coverage(replicates: 15) {
      (try $0.table(rows: 2_000), [ShapedRows.first, ShapedRows.second])
    }
    #expect(covered / all > 0.93, "coverage \(covered / all)")
  }

  /// The rows in bins whose 95 % band covers the mean of the true function over the bin, and all rows.
  private static func coverage(
    replicates: UInt64, _ draw: (inout ShapedRows) throws -> (TrainingTable, [(Double) -> Double])
  ) throws -> (Double, Double) {
    var (covered, all) = (0.0, 0.0)
    for seed in 0..<replicates {
      var rows = ShapedRows(seed: 100 + seed)
      let (table, truths) = try draw(&rows)
      let model = try AdditiveModel.fit(table, parameters: parameters { $0.additive.maxPairs = 0 })
      for (index, truth) in truths.enumerated() {
        let feature = model.features[index]
        let total = Double(feature.bins.reduce(0) { $0 + $1.rows })
        let means = feature.bins.indices.map { mean(truth, of: $0, feature) }
        // Terms have the mean 0 over the rows.
        let center = zip(means, feature.bins).reduce(0) { $0 + $1.0 * Double($1.1.rows) } / total
        for (bin, cell) in feature.bins.enumerated() {
          let error = try #require(cell.standardError)
          covered += abs(cell.value - (means[bin] - center)) <= 1.96 * error ? Double(cell.rows) : 0
          all += Double(cell.rows)
        }
      }
    }
    return (covered, all)
  }

  @Test func `terms have the mean 0, and pairs no marginal means`() throws {
    var rows = ShapedRows(seed: 3)
    for bags in [1, 3] {
      let parameters = Self.parameters { $0.additive.bags = bags }
      let model = try AdditiveModel.fit(try rows.crossed(rows: 2_000), parameters: parameters)
      for feature in model.features {
        #expect(abs(feature.bins.reduce(0) { $0 + $1.value * Double($1.rows) }) < 1e-8)
        #expect(feature.bins.reduce(0) { $0 + $1.rows } == 2_000)
      }
      #expect(!model.pairs.isEmpty)
      for pair in model.pairs {
        #expect(pair.cells.reduce(0) { $0 + $1.rows } == 2_000)
        for row in 0..<pair.first.count {
          let cells = (0..<pair.second.count).map { pair.cells[row * pair.second.count + $0] }
          #expect(abs(cells.reduce(0) { $0 + $1.value * Double($1.rows) }) < 1e-8)
        }
        for column in 0..<pair.second.count {
          let cells = (0..<pair.first.count).map { pair.cells[$0 * pair.second.count + column] }
          #expect(abs(cells.reduce(0) { $0 + $1.value * Double($1.rows) }) < 1e-8)
        }
      }
    }
  }

  @Test func `a joint effect needs a pair`() throws {
    var rows = ShapedRows(seed: 4)
    let table = try rows.crossed(rows: 3_000)
    let with = try AdditiveModel.train(
      table, parameters: Self.parameters(), warmStart: nil, threads: nil, progress: nil,
      isCancelled: { false })
    let without = try AdditiveModel.train(
      table, parameters: Self.parameters { $0.additive.maxPairs = 0 }, warmStart: nil, threads: nil,
      progress: nil,
      isCancelled: { false })
    #expect(try #require(with.kpis[.rocAUC]) > 0.8)
    #expect(try #require(without.kpis[.rocAUC]) < 0.6)
    #expect(without.model.pairs.isEmpty)
    #expect(with.model.pairs.first.map { [$0.first.feature, $0.second.feature] } == [0, 1])
    let names = table.names
    let given = try AdditiveModel.fit(
      table, parameters: Self.parameters { $0.additive.pairs = [[names[2], names[0]]] })
    #expect(given.pairs.allSatisfy { [$0.first.feature, $0.second.feature] == [0, 2] })
  }

  @Test(arguments: [AdditiveParameters.Direction.increasing, .decreasing])
  func `a monotone feature holds its direction exactly`(direction: AdditiveParameters.Direction) throws {
    var rows = ShapedRows(seed: 5)
    let table = try rows.table(rows: 2_000)
    for bags in [1, 3] {
      let parameters = Self.parameters {
        $0.additive.monotone = ["wave": direction, "noise": direction]
        $0.additive.bags = bags
      }
      let model = try AdditiveModel.fit(table, parameters: parameters)
      for index in [0, 2] {
        let values = model.features[index].bins.map(\.value)
        let sign = direction == .increasing ? 1.0 : -1.0
        #expect(zip(values, values.dropFirst()).allSatisfy { sign * ($1 - $0) >= 0 })
        #expect(model.pairs.allSatisfy { $0.first.feature != index && $0.second.feature != index })
      }
      #expect(model.converged)
      if direction == .increasing { #expect(model.features[0].importance > 0.2) }
    }
  }

  @Test func `given edges and smoothness are used`() throws {
    var rows = ShapedRows(seed: 6)
    let parameters = Self.parameters {
      $0.additive.edges = ["wave": [-0.5, 0, 0.5]]
      $0.additive.smoothness = 1e8
      $0.additive.maxPairs = 0
    }
    let model = try AdditiveModel.fit(try rows.table(rows: 500), parameters: parameters)
    #expect(model.features[0].edges == [-0.5, 0, 0.5])
    #expect(model.features.allSatisfy { $0.smoothness == 1e8 && $0.importance < 1e-3 })
  }

  @Test func `predictions are those of the fit`() throws {
    var rows = ShapedRows(seed: 7)
    let table = try rows.table(rows: 1_500)
    for bags in [1, 2] {
      let parameters = Self.parameters { $0.additive.bags = bags }
      let model = try AdditiveModel.fit(table, parameters: parameters)
      let scores = try model.makePredictor().probabilities(columns: table.columns)
      // The intercept makes the mean probability the share of positives.
      let mean = scores.reduce(0, +) / Double(scores.count)
      #expect(abs(mean - Double(model.positives) / 1_500) < (bags == 1 ? 1e-7 : 0.01))
      let loss = zip(scores, table.outcomes).reduce(0) { $0 - log($1.1 == 1 ? $1.0 : 1 - $1.0) } / 1_500
      if bags == 1 { #expect(abs(loss - model.trainingLoss) < 1e-9) }
    }
  }

  @Test func `equal weights change nothing, and a weight of 0 mass is not seen`() throws {
    var rows = ShapedRows(seed: 8)
    let table = try rows.table(rows: 800)
    let model = try AdditiveModel.fit(table, parameters: Self.parameters())
    var attributes = RowAttributes()
    attributes.weights = [Double](repeating: 3, count: 800)
    let weighted = try AdditiveModel.fit(
      try TrainingTable(
        names: table.names, kinds: table.kinds, columns: table.columns, outcomes: table.outcomes,
        attributes: attributes),
      parameters: Self.parameters())
    for (one, other) in zip(model.features, weighted.features) {
      for (a, b) in zip(one.bins, other.bins) { #expect(abs(a.value - b.value) < 1e-9) }
    }
  }

  @Test func `balanced outcomes keep the share of positives`() throws {
    var rows = ShapedRows(seed: 9)
    let table = try rows.table(rows: 2_000).rows(where: { $0 % 3 == 0 || $0 < 1_000 })
    let model = try AdditiveModel.fit(table, parameters: Self.parameters { $0.classWeight = .balanced })
    let scores = try model.makePredictor().probabilities(columns: table.columns)
    let share = Double(model.positives) / Double(table.rowCount)
    #expect(abs(scores.reduce(0, +) / Double(scores.count) - share) < 1e-9)
    #expect(model.interceptShift != nil)
  }

  @Test func `odd columns are fitted`() throws {
    var rows = ShapedRows(seed: 10)
    var outcomes: [UInt8] = []
    var separating: [Double] = []
    for row in 0..<300 {
      outcomes.append(UInt8(row % 2))
      separating.append(row % 2 == 0 ? -rows.uniform() : rows.uniform())
    }
    let many = (0..<300).map { "category \($0)" }
    let table = try TrainingTable(
      names: ["constant", "missing", "separating", "single", "many", "huge"],
      kinds: [.continuous, .continuous, .continuous, .categorical, .categorical, .continuous],
      columns: [
        .numeric([Double](repeating: 7, count: 300)), .numeric([Double](repeating: .nan, count: 300)),
        .numeric(separating),
        .categorical(codes: [Int32](repeating: 0, count: 300), levels: ["only", "absent"]),
        .categorical(codes: (0..<300).map { Int32($0) }, levels: many),
        .numeric((0..<300).map { $0 % 7 == 0 ? 1e150 : -1e150 }),
      ], outcomes: outcomes)
    let result = try AdditiveModel.train(
      table, parameters: Self.parameters { $0.additive.bags = nil }, warmStart: nil, threads: nil,
      progress: nil,
      isCancelled: { false })
    #expect(result.model.features[3].categories == ["only"])
    #expect(result.model.features[4].categories?.count == 300)
    #expect(result.warnings.contains { $0.kind == .constantFeature && $0.feature == "constant" })
    #expect(try #require(result.kpis[.rocAUC]) > 0.95)
    let scores = try result.model.makePredictor().probabilities(columns: table.columns)
    #expect(scores.allSatisfy { $0 > 0 && $0 < 1 })
  }

  @Test func `a part of many rows finds the smoothness`() throws {
    var rows = ShapedRows(seed: 11)
    let table = try rows.table(rows: 140_000)
    let model = try AdditiveModel.fit(table, parameters: Self.parameters { $0.additive.maxPairs = 2 })
    #expect(model.converged)
    #expect(model.features[0].bins.reduce(0) { $0 + $1.rows } == 140_000)
    let scores = try model.makePredictor().probabilities(columns: table.columns)
    #expect(abs(scores.reduce(0, +) / 140_000 - Double(model.positives) / 140_000) < 1e-7)
  }

  @Test func `a cancelled fit ends at once`() throws {
    var rows = ShapedRows(seed: 12)
    let table = try rows.crossed(rows: 60_000)
    let clock = ContinuousClock()
    for milliseconds in [0, 20, 100, 300] {
      let begin = clock.now
      let deadline = begin + .milliseconds(milliseconds)
      #expect(throws: CancellationError.self) {
        _ = try AdditiveModel.train(
          table, parameters: Self.parameters(), warmStart: nil, threads: 2, progress: nil,
          isCancelled: { clock.now >= deadline })
      }
      // Debug builds of loops in Swift are slow; the benchmark of cancellations measures the promise of 50 ms.
      #expect(clock.now - deadline < .seconds(2))
    }
  }
}
