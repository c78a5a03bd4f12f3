import Foundation
import Testing

@testable import Learning

/// Tests of the strength of the penalty that the data choose (`C: "auto"`).
@Suite struct ChosenStrengthTests {
  private static let auto: TrainingParameters = {
    var parameters = TrainingParameters()
    parameters.choosesC = true
    return parameters
  }()

  /// Numbers, of which the first `informative` have the coefficient `effect`.
  private func numbers(
    rows: Int, columns: Int, informative: Int, effect: Double, seed: UInt64
  ) throws -> (fitted: TrainingTable, fresh: TrainingTable) {
    var data = Generated(seed: seed)
    func table(_ rows: Int) throws -> TrainingTable {
      let values = (0..<columns).map { _ in data.normals(rows) }
      let logits = (0..<rows).map { row in values.prefix(informative).reduce(-0.5) { $0 + effect * $1[row] } }
      return try .numbers(values, data.outcomes(logits))
    }
    return (try table(rows), try table(2_000))
  }

  private func logLoss(_ model: LogisticModel, _ table: TrainingTable) throws -> Double {
    let probabilities = try model.predictor().probabilities(columns: table.columns)
    let losses = zip(probabilities, table.outcomes).map { -($1 == 1 ? $0 : 1 - $0).logarithm }
    return losses.reduce(0, +) / Double(losses.count)
  }

  /// The mean log loss on new rows with the chosen strength less that with C = 1.
  private func gain(rows: Int, columns: Int, informative: Int, effect: Double) throws -> Double {
    let differences = try (0..<10).map { seed in
      let (fitted, fresh) = try numbers(
        rows: rows, columns: columns, informative: informative, effect: effect, seed: UInt64(500 + seed))
      return try logLoss(fit(fitted, parameters: Self.auto), fresh)
        - logLoss(fit(fitted, parameters: TrainingParameters()), fresh)
    }
    return differences.reduce(0, +) / Double(differences.count)
  }

  /// The coefficients of the penalised columns on the standardised scale with their standard errors.
  private func coefficients(_ model: LogisticModel) -> [(value: Double, error: Double)] {
    model.features.flatMap { feature -> [(Double, Double)] in
      let scale = feature.coefficient == nil ? 1 : feature.scale ?? 1
      let number = [feature.coefficient].compactMap { $0 }.map {
        ($0.standardized, ($0.standardError ?? .nan) * scale)
      }
      let others = (feature.categories ?? []).map(\.coefficient) + [feature.missing].compactMap { $0 }
      return number + others.map { ($0.standardized, $0.standardError ?? .nan) }
    }
  }

  /// log(edf / |β|²) − log λ: 0 where λ is a fixed point of the step. With λ·tr((H + λI)⁻¹) from the standard errors.
  private func residual(_ model: LogisticModel, scale: Double = 1) throws -> Double {
    let strength = 1 / (try #require(model.chosenC))
    let all = coefficients(model)
    // Standard errors are those of weights that add up to the effective number of rows.
    let freedom = all.reduce(0) { $0 + 1 - strength * scale * $1.error * $1.error }
    let length = all.reduce(0) { $0 + $1.value * $1.value }
    return (freedom / (length * strength * scale)).logarithm
  }

  private func mixed(rows: Int, seed: UInt64) throws -> TrainingTable {
    var data = Generated(seed: seed)
    let table = try data.table(rows: rows)
    guard case .numeric(let values) = table.columns[1] else { throw LearningError.malformedTable(detail: "") }
    return try table.replacing(1, by: .numeric(values.map { data.uniform() < 0.1 ? .nan : $0 }))
  }

  @Test func `the chosen strength is a fixed point of the Fellner-Schall step`() throws {
    for rows in [60, 300, 3_000] {
      let model = try fit(mixed(rows: rows, seed: 7), parameters: Self.auto)
      #expect(model.converged)
      // C has three significant digits.
      #expect(abs(try residual(model)) < 0.02, "\(rows) rows, C = \(model.chosenC ?? 0)")
    }
  }

  @Test func `noise is shrunk and signal is not`() throws {
    let noisy = try gain(rows: 300, columns: 40, informative: 3, effect: 0.7)
    #expect(noisy < -0.01, "\(noisy)")
    let usual = try gain(rows: 300, columns: 5, informative: 5, effect: 0.7)
    #expect(usual < 0.001, "\(usual)")
    let strong = try gain(rows: 1_000, columns: 4, informative: 4, effect: 3)
    #expect(strong < 0.001, "\(strong)")
  }

  @Test func `the result is the same for any number of threads`() throws {
    var data = Generated(seed: 3)
    let table = try data.table(rows: 40_000)
    let models = try [1, 2, 5].map { try fit(table, parameters: Self.auto, threads: $0) }
    #expect(models[0].chosenC != nil)
    #expect(models[1] == models[0])
    #expect(models[2] == models[0])
  }

  @Test func `a warm start leads to the same result`() throws {
    let table = try mixed(rows: 2_000, seed: 11)
    let cold = try fit(table, parameters: Self.auto)
    let other = try fit(mixed(rows: 500, seed: 12), parameters: TrainingParameters(.l2, c: 100))
    for start in [cold, other] {
      let warm = try fit(table, parameters: Self.auto, warmStart: start)
      #expect(warm.chosenC == cold.chosenC)
      #expect(warm.converged)
      #expect(distance(coefficients(warm).map(\.value), coefficients(cold).map(\.value)) < 1e-8)
    }
  }

  @Test func `the model is that of the chosen C`() throws {
    let table = try mixed(rows: 400, seed: 13)
    let chosen = try fit(table, parameters: Self.auto)
    let c = try #require(chosen.chosenC)
    let given = try fit(table, parameters: TrainingParameters(.l2, c: c))
    #expect(distance(coefficients(chosen).map(\.value), coefficients(given).map(\.value)) < 1e-8)
    #expect(distance(coefficients(chosen).map(\.error), coefficients(given).map(\.error)) < 1e-8)
    #expect(given.chosenC == nil)
  }

  @Test func `only the ratio of the weights of rows counts`() throws {
    let table = try mixed(rows: 500, seed: 17)
    let plain = try fit(table, parameters: Self.auto)
    let weighted = try fit(
      table.weighted([Double](repeating: 4, count: table.rowCount)), parameters: Self.auto)
    #expect(distance(coefficients(plain).map(\.value), coefficients(weighted).map(\.value)) < 2e-3)
    let ratio = try #require(plain.chosenC) / (try #require(weighted.chosenC))
    #expect(abs(ratio / 4 - 1) < 0.01)
  }

  @Test func `each measured fit chooses for itself`() throws {
    let (table, _) = try numbers(rows: 200, columns: 60, informative: 2, effect: 0.7, seed: 19)
    var chosen = Self.auto
    chosen.validation = .kfold(folds: 5)
    var given = TrainingParameters()
    given.validation = .kfold(folds: 5)
    let losses = try [chosen, given].map { parameters in
      try #require(train(table, parameters: parameters).kpis[.logLoss])
    }
    let difference = losses[0] - losses[1]
    #expect(difference < -0.02, "\(difference)")
  }

  @Test func `extreme tables have a finite strength`() throws {
    let separated = try TrainingTable.numbers([(0..<40).map { Double($0) }], (0..<40).map { $0 < 20 ? 0 : 1 })
    var data = Generated(seed: 23)
    let noise = try TrainingTable.numbers(
      [data.normals(500), data.normals(500)], data.outcomes([Double](repeating: 0, count: 500)))
    let constant = try TrainingTable.numbers(
      [[Double](repeating: 5, count: 50)], (0..<50).map { UInt8($0 % 2) })
    let none = try TrainingTable(names: [], kinds: [], columns: [], outcomes: (0..<50).map { UInt8($0 % 2) })
    for (name, table) in [("separated", separated), ("noise", noise), ("constant", constant), ("none", none)]
    {
      let model = try fit(table, parameters: Self.auto)
      let c = try #require(model.chosenC)
      #expect(c >= 1e-8 && c <= 100, "\(name): \(c)")
      #expect(model.converged && model.isFinite, "\(name)")
    }
    #expect(try fit(none, parameters: Self.auto).chosenC == 1)
    let (one, fresh) = try numbers(rows: 300, columns: 1, informative: 1, effect: 1, seed: 29)
    let model = try fit(one, parameters: Self.auto)
    #expect(abs(try residual(model)) < 0.02)
    #expect(try logLoss(model, fresh) < 0.62)
  }

  @Test func `a diagonal stands for the Hessian of very many columns`() throws {
    var data = Generated(seed: 31)
    let (rows, levels) = (6_000, 1_200)
    let effects = data.normals(levels).map { 0.8 * $0 }
    let codes = (0..<rows).map { _ in Int32(data.generator.below(levels)) }
    let table = try TrainingTable(
      names: ["place"], kinds: [.categorical],
      columns: [.categorical(codes: codes, levels: (0..<levels).map { "\($0)" })],
      outcomes: data.outcomes(codes.map { effects[Int($0)] }))
    let model = try fit(table, parameters: Self.auto)
    #expect(model.converged)
    // The effects have the variance 0.64; the Hessian of one category is diagonal but for the intercept.
    let c = try #require(model.chosenC)
    #expect(abs(c - 0.64) < 0.15, "\(c)")
    let warm = try fit(table, parameters: Self.auto, warmStart: model)
    #expect(warm.chosenC == c)
  }

  @Test func `the chosen C is shown and stored, and absent otherwise`() throws {
    let table = try mixed(rows: 200, seed: 37)
    let chosen = try fit(table, parameters: Self.auto)
    #expect(try LogisticModel(json: chosen.exportJSON()) == chosen)
    #expect(chosen.describe().first { $0.name == "C" }?.value == .number(chosen.chosenC))
    let given = try fit(table, parameters: TrainingParameters())
    #expect(!given.describe().contains { $0.name == "C" })
    // `C` stands among the parameters alone.
    #expect(try given.exportJSON().components(separatedBy: "\"C\"").count == 2)
    #expect(try chosen.exportJSON().components(separatedBy: "\"C\"").count == 3)
  }
}
