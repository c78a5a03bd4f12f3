import Foundation
import Testing

@testable import Learning

/// Tests of predictions, explanations and the stored form of a model.
@Suite struct ModelTests {
  private func model() throws -> (LogisticModel, TrainingTable) {
    var data = Generated(seed: 31)
    let table = try data.table(rows: 800)
    guard case .numeric(var values) = table.columns[0],
      case .categorical(var codes, let levels) = table.columns[2]
    else { throw LearningError.malformedTable(detail: "") }
    for row in stride(from: 0, to: 800, by: 17) { values[row] = .nan }
    for row in stride(from: 3, to: 800, by: 19) { codes[row] = -1 }
    let gaps = try table.replacing(0, by: .numeric(values)).replacing(
      2, by: .categorical(codes: codes, levels: levels))
    return (try train(gaps, parameters: TrainingParameters()).model, gaps)
  }

  @Test func `a prediction equals the sum computed by hand`() throws {
    let (model, _) = try model()
    let a = try #require(model.features[0].coefficient?.value)
    let b = try #require(model.features[1].coefficient?.value)
    let green = try #require(model.features[2].categories?.first { $0.name == "green" }?.coefficient.value)
    let answer = try model.probability(of: FeatureValues([.number(0.5), .number(-2), .category("green")]))
    let byHand = 1 / (1 + (-(model.intercept + a * 0.5 - b * 2 + green)).exponential)
    #expect(abs(answer.probability - byHand) < 1e-14)
    #expect(answer.label == (byHand >= 0.5 ? 1 : 0))
    #expect(answer.warnings.isEmpty)
  }

  @Test func `contributions sum to the logit`() throws {
    let (model, table) = try model()
    let predictor = model.predictor()
    var deviations = [0.0, 0, 0]
    for row in 0..<table.rowCount {
      let explanation = try predictor.explain(table.row(row))
      let contributions = explanation.contributions
      #expect(explanation.intercept == model.standardizedIntercept)
      #expect(contributions.map(\.value) == table.row(row).values)
      let logit = contributions.reduce(explanation.intercept) { $0 + $1.contribution }
      let probability = try model.probability(of: table.row(row)).probability
      #expect(abs(logit - (probability / (1 - probability)).logarithm) < 1e-12)
      for feature in 0..<3 { deviations[feature] += contributions[feature].deviation }
    }
    // Deviations from the average row sum to zero over the training rows.
    #expect(deviations.allSatisfy { abs($0) < 1e-9 })
  }

  @Test func `unusual rows get warnings`() throws {
    let (model, _) = try model()
    let odd = try model.probability(of: FeatureValues([.number(1e9), .missing, .category("ultraviolet")]))
    #expect(odd.warnings.map(\.kind) == [.outsideRange, .unseenMissing, .unseenCategory])
    #expect(odd.warnings.map(\.feature) == ["a", "b", "colour"])
    #expect((0...1).contains(odd.probability))
    #expect(try model.probability(of: FeatureValues([.missing, .number(0), .missing])).warnings.isEmpty)
  }

  @Test func `values of the wrong type are refused`() throws {
    let (model, _) = try model()
    for row: [FeatureValue] in [
      [.number(1)], [.category("1"), .number(1), .missing], [.number(1), .number(1), .number(1)],
      [.number(.nan), .number(1), .missing], [.number(.infinity), .number(1), .missing],
    ] {
      #expect(throws: LearningError.self) { try model.probability(of: FeatureValues(row)) }
    }
  }

  @Test func `a batch gives the same predictions as single rows`() throws {
    let (model, table) = try model()
    let many = try model.predictor().probabilities(columns: table.columns)
    #expect(distance(many, try model.probabilities(table)) == 0)
    #expect(throws: LearningError.self) { try model.predictor().probabilities(columns: [table.columns[0]]) }
  }

  @Test func `the model survives JSON exactly`() throws {
    let (model, _) = try model()
    let json = try model.exportJSON()
    #expect(try LogisticModel(json: json) == model)
    for key in ["\"standardized_intercept\"", "\"standard_error\"", "\"p_value\"", "\"odds_ratio\""] {
      #expect(json.contains(key))
    }
  }

  @Test func `confidence intervals are Wald intervals`() throws {
    let (model, _) = try model()
    let coefficient = try #require(model.features[1].coefficient)
    let error = try #require(coefficient.standardError)
    #expect(
      coefficient.z == coefficient.value / error
        || abs(coefficient.value / error / (coefficient.z ?? 0) - 1) < 1e-14)
    #expect(
      abs(try #require(coefficient.pValue) - erfc(abs(coefficient.value / error) / 2.0.squareRoot())) < 1e-12)
    #expect(coefficient.oddsRatio == coefficient.value.exponential)
  }
}
