import Foundation
import Synchronization
import Testing

@testable import Learning

/// Tests of the family `auto`.
@Suite(.timeLimit(.minutes(5))) struct FamilyChoiceTests {
  private static var parameters: TrainingParameters {
    var parameters = TrainingParameters()
    parameters.family = .auto
    return parameters
  }

  @Test(arguments: [600, 6_000]) func `shapes that pay are chosen`(count: Int) throws {
    var rows = ShapedRows(seed: 1)
    let result = try ModelFamilies.standard.train(try rows.table(rows: count), parameters: Self.parameters)
    let model = try #require(result.model as? AdditiveModel)
    let selection = try #require(model.selection)
    #expect(selection.family == "additive")
    #expect(selection.criterion == (count < 3_000 ? "cross_validated_log_loss" : "aic"))
    #expect(selection.candidates.map(\.family) == ["linear", "additive"])
    #expect(selection.candidates[1].score < selection.candidates[0].score * 1.005)
  }

  @Test(arguments: [300, 5_000]) func `a straight line stays one`(count: Int) throws {
    var rows = ShapedRows(seed: 2)
    let table = try rows.straight(rows: count)
    let result = try ModelFamilies.standard.train(table, parameters: Self.parameters)
    let model = try #require(result.model as? LogisticModel)
    #expect(model.selection?.family == "linear")
    // Beside what was chosen, the model is that of the family linear.
    var linear = Self.parameters
    linear.family = .linear
    linear.choosesC = true
    let same = try train(table, parameters: linear)
    #expect(model.chosenC == same.model.chosenC)
    for (one, other) in zip(model.features, same.model.features) {
      let values = [one, other].compactMap { $0.coefficient?.value }
      #expect(values.count == 2 && abs(values[0] - values[1]) < 1e-6)
    }
    #expect(model.parameters == Self.parameters)
  }

  @Test func `constraints need an additive model`() throws {
    var rows = ShapedRows(seed: 3)
    var parameters = Self.parameters
    parameters.additive.monotone = ["0": .increasing]
    let table = try rows.straight(rows: 400)
    parameters.additive.monotone = [table.names[0]: .increasing]
    let model = try ModelFamilies.standard.fit(table, parameters: parameters)
    #expect((model as? AdditiveModel)?.selection?.criterion == nil)
    #expect(model is AdditiveModel)
  }

  @Test func `every fold chooses for itself`() throws {
    var rows = ShapedRows(seed: 4)
    var parameters = Self.parameters
    parameters.validation = .kfold(folds: 3)
    let table = try rows.table(rows: 900)
    let result = try ModelFamilies.standard.train(table, parameters: parameters, threads: 1)
    let again = try ModelFamilies.standard.train(table, parameters: parameters, threads: 3)
    #expect(result.kpis == again.kpis)
    #expect(try #require(result.kpis[.rocAUC]) > 0.65)
  }

  @Test(arguments: [600, 4_000]) func `progress never falls`(count: Int) throws {
    var rows = ShapedRows(seed: 6)
    let seen = Mutex<[Double]>([])
    _ = try ModelFamilies.standard.train(
      try rows.table(rows: count), parameters: Self.parameters,
      progress: { step in seen.withLock { $0.append(step.fraction) } })
    let fractions = seen.withLock { $0 }
    #expect(fractions.count > 5 && zip(fractions, fractions.dropFirst()).allSatisfy { $0 <= $1 })
    #expect(fractions.last == 1)
  }

  @Test func `families are compared on the same rows`() throws {
    var rows = ShapedRows(seed: 5)
    let table = try rows.table(rows: 3_000)
    var linear = Self.parameters
    linear.family = .linear
    let comparison = try ModelFamilies.standard.compare(table, champion: linear, challenger: Self.parameters)
    #expect(try #require(comparison.differences[.rocAUC]?.difference) > 0)
  }
}
