import Testing

@testable import Learning

/// Tests that optima agree with those of independent solvers: scikit-learn for coefficients, statsmodels for standard
/// errors.
@Suite struct ExactnessTests {
  @Test func `generated data with missing, constant and rare values`() throws {
    let fixture: Fixture.Solutions = try Fixture.load("solutions")
    let table = try fixture.generated.table
    #expect(fixture.generated.cases.count == 12)
    for example in fixture.generated.cases { try expectAgreement(example, table) }
  }

  @Test func `Adult, one-hot encoded`() throws {
    let table = try Examples.adult("adult_train")
    for example in try cases().adult.cases { try expectAgreement(example, table) }
  }

  @Test func `Adult as ten numbers`() throws {
    let table = try Examples.tenNumbers()
    for example in try cases().adult10.cases { try expectAgreement(example, table) }
  }

  @Test func `the census extract`() throws {
    let table = try Examples.census()
    for example in try cases().census10.cases { try expectAgreement(example, table) }
  }

  private func cases() throws -> Fixture.Solutions { try Fixture.load("solutions") }

  private func expectAgreement(_ example: Fixture.Case, _ table: TrainingTable) throws {
    let table = try example.features.map { try table.selecting($0) } ?? table
    let model = try fit(table, parameters: example.parameters)
    #expect(model.converged, "\(example)")
    #expect(abs(model.objective / example.objective - 1) < 1e-11, "\(example)")
    let blocks = example.centred ?? []
    // The reference is the weighted optimum, before the intercept is refitted.
    let shift = model.interceptShift ?? 0
    #expect((model.interceptShift != nil) == (example.parameters.classWeight == .balanced), "\(example)")
    let standardized = centred(
      model.coefficients(intercept: model.standardizedIntercept - shift) { $0.standardized }, blocks)
    let original = centred(model.coefficients(intercept: model.intercept - shift) { $0.value }, blocks)
    expectClose(standardized, example.standardized, "\(example) standardized")
    expectClose(original, example.original, "\(example) original")
    // Columns that the reference omits have no effect: constant columns and reference categories.
    for (name, value) in standardized where example.standardized[name] == nil {
      #expect(value == 0, "\(name)")
    }
    if var errors = example.standard_errors {
      if model.interceptShift != nil { errors["intercept"] = nil }
      let mine = model.coefficients(intercept: model.interceptStandardError ?? .nan) { $0.standardError }
      expectClose(mine, errors, "\(example) standard errors")
    }
    if let expected = example.p_values {
      expectClose(
        model.coefficients(intercept: 0) { $0.pValue }, expected, "\(example) p-values", relative: 1e-5)
    }
  }

  /// Expects a difference of at most 1e-6 of the reference. Values that are 0 in the reference must be close to 0.
  private func expectClose(
    _ mine: [String: Double], _ reference: [String: Double], _ comment: String, relative: Double = 1e-6
  ) {
    for (name, expected) in reference {
      let value = mine[name] ?? .nan
      // p-values may be close to the smallest representable numbers.
      #expect(
        abs(value - expected) <= max(relative * abs(expected), 1e-300),
        "\(comment): \(name) \(value) \(expected)")
    }
  }
}

extension TrainingTable {
  /// The table with the named features only.
  func selecting(_ names: [String]) throws -> TrainingTable {
    let chosen = names.compactMap { self.names.firstIndex(of: $0) }
    return try TrainingTable(
      names: names, kinds: chosen.map { kinds[$0] }, columns: chosen.map { columns[$0] }, outcomes: outcomes)
  }
}

extension LogisticModel {
  /// The minimised objective, in units of the loss.
  fileprivate var objective: Double {
    let penalty = PenaltyWeights(parameters, columns: 2)
    let all = coefficients(intercept: 0) { $0.standardized }.values
    return trainingLoss * Double(positives + negatives)
      + all.reduce(0) { $0 + penalty.value([0, $1]) }
  }
}
