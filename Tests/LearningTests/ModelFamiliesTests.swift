import Foundation
import Testing

@testable import Learning

/// Tests of the registry of model families and of the stored form of models.
@Suite struct ModelFamiliesTests {
  private func model() throws -> LogisticModel {
    try fit(try .numbers([[1, 2, 3, 4, 2, 3]], [0, 0, 1, 1, 1, 0]), parameters: TrainingParameters())
  }

  @Test func `the default family is linear`() throws {
    #expect(ModelFamilies.standard.names == ["linear"])
    #expect(try ModelFamilies.standard.type(named: "linear") == LogisticModel.self)
    #expect(throws: UnknownStoredName(kind: "model family", name: "additive")) {
      try ModelFamilies.standard.type(named: "additive")
    }
  }

  @Test func `a stored model without a family is linear`() throws {
    let model = try model()
    let old = try JSONEncoder().encode(model)
    let members = try #require(try JSONSerialization.jsonObject(with: old) as? [String: Any])
    #expect(members["family"] == nil)
    let read = try JSONDecoder().decode(StoredModel.self, from: old)
    #expect(read.model as? LogisticModel == model)
    // A server of the previous version ignores the unknown member.
    let new = try JSONEncoder().encode(StoredModel(model))
    let stored = try #require(try JSONSerialization.jsonObject(with: new) as? [String: Any])
    #expect(stored["family"] as? String == "linear")
    #expect(try JSONDecoder().decode(LogisticModel.self, from: new) == model)
  }

  @Test func `the registry trains like the family`() throws {
    var data = Generated(seed: 5)
    let table = try data.table(rows: 300)
    let direct = try train(table, parameters: TrainingParameters())
    let result = try ModelFamilies.standard.train(table, parameters: TrainingParameters())
    #expect(result.model as? LogisticModel == direct.model)
    #expect(result.kpis == direct.kpis && result.curves == direct.curves)
    let warm = try ModelFamilies.standard.train(
      table, parameters: TrainingParameters(), warmStart: direct.model)
    #expect(try #require(warm.model as? LogisticModel).iterations <= direct.model.iterations)
  }
}
