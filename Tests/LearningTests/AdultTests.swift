import Testing

@testable import Learning

/// Tests of the fit on census income (Adult) against its published quality.
@Suite struct AdultTests {
  @Test func `the test file's metrics reach the published quality`() throws {
    let result = try train(try Examples.adult("adult_train"), parameters: TrainingParameters())
    #expect(result.model.converged)
    #expect(result.kpis.labelsUsed == 32_561)
    #expect(result.kpis[.validationRows] == 6_512)

    let test = try Examples.adult("adult_test")
    let predictor = result.model.predictor()
    let scores = try (0..<test.rowCount).map { try predictor.predict(test.row($0)).probability }
    let kpis = try KPIs(scores: scores, outcomes: test.outcomes, threshold: 0.5)
    #expect(try #require(kpis[.accuracy]) >= 0.850)
    #expect(try #require(kpis[.rocAUC]) >= 0.904)
    // The held-out estimate lies near the metric on unseen data.
    #expect(abs(try #require(result.kpis[.rocAUC]) - (try #require(kpis[.rocAUC]))) < 0.01)
  }

  @Test(arguments: [TrainingParameters.Penalty.l1, .elasticnet, .none])
  func `every penalty converges`(_ penalty: TrainingParameters.Penalty) throws {
    var parameters = TrainingParameters()
    parameters.penalty = penalty
    parameters.l1Ratio = penalty == .elasticnet ? 0.5 : nil
    parameters.validation = .kfold(folds: 3)
    let result = try train(try Examples.adult("adult_train"), parameters: parameters)
    #expect(result.kpis[.validationRows] == 32_561)
    #expect(try #require(result.kpis[.rocAUC]) > 0.904)
  }
}
