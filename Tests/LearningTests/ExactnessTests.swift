import Testing

@testable import Learning

/// Optima agree with those of independent solvers: scikit-learn for coefficients, statsmodels for standard errors.
@Suite struct ExactnessTests {
  @Test func generatedDataWithEverythingThatIsHard() throws {
    let fixture: Fixture.Solutions = try Fixture.load("solutions")
    let table = try fixture.generated.table
    #expect(fixture.generated.cases.count == 10)
    for example in fixture.generated.cases { try expectAgreement(example, table) }
  }

  @Test func theCensusDataOneHot() throws {
    let table = try Adult.table("adult_train")
    for example in try Fixture.load("solutions", as: Fixture.Solutions.self).adult.cases {
      try expectAgreement(example, table)
    }
  }

  @Test func theCensusDataAsTenNumbers() throws {
    let table = try Adult.tenNumbers()
    for example in try Fixture.load("solutions", as: Fixture.Solutions.self).adult10.cases {
      try expectAgreement(example, table)
    }
  }

  private func expectAgreement(_ example: Fixture.Case, _ table: TrainingTable) throws {
    let table = try example.features.map { try table.selecting($0) } ?? table
    let model = try train(table, parameters: example.parameters).model
    #expect(model.converged, "\(example)")
    let standardized = model.coefficients(intercept: model.standardizedIntercept) { $0.standardized }
    let original = model.coefficients(intercept: model.intercept) { $0.value }
    expectClose(standardized, example.standardized, "\(example) standardized")
    expectClose(original, example.original, "\(example) original")
    // What the reference does not name has no effect: constant columns and reference categories.
    for (name, value) in standardized where example.standardized[name] == nil {
      #expect(value == 0, "\(name)")
    }
    if let errors = example.standard_errors {
      let mine = model.coefficients(intercept: model.interceptStandardError ?? .nan) { $0.standardError }
      expectClose(mine, errors, "\(example) standard errors")
    }
    if let expected = example.p_values {
      expectClose(
        model.coefficients(intercept: 0) { $0.pValue }, expected, "\(example) p-values", relative: 1e-5)
    }
  }

  /// Within 1e-6 of the reference's size; what is 0 there is 0 here.
  private func expectClose(
    _ mine: [String: Double], _ reference: [String: Double], _ comment: String, relative: Double = 1e-6
  ) {
    for (name, expected) in reference {
      let value = mine[name] ?? .nan
      #expect(abs(value - expected) <= relative * abs(expected), "\(comment): \(name) \(value) \(expected)")
    }
  }
}

extension TrainingTable {
  /// The table with some of its features.
  func selecting(_ names: [String]) throws -> TrainingTable {
    let chosen = names.compactMap { self.names.firstIndex(of: $0) }
    return try TrainingTable(
      names: names, kinds: chosen.map { kinds[$0] }, columns: chosen.map { columns[$0] }, outcomes: outcomes)
  }
}

extension Adult {
  /// Six numbers and four categories numbered by appearance.
  static func tenNumbers() throws -> TrainingTable {
    let table = try table("adult_train")
    let names = [
      "age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours_per_week", "workclass",
      "education",
      "relationship", "sex",
    ]
    let ten = try table.selecting(names)
    return try TrainingTable(
      names: names, kinds: names.map { _ in .continuous },
      columns: ten.columns.map { column in
        guard case .categorical(let codes, _) = column else { return column }
        return .numeric(codes.map { $0 < 0 ? .nan : Double($0) })
      }, outcomes: table.outcomes)
  }
}
