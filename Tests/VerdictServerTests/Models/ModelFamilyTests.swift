import Foundation
import HTTPTestSupport
import NIOCore
import RowFormats
import Testing

@testable import Learning
@testable import VerdictCore
@testable import VerdictServer

/// A family that neither stores, jobs nor routes know is trained, stored, served, explained, shown and exported.
@Suite struct ModelFamilyTests {
  private static let families = ModelFamilies([LogisticModel.self, StepModel.self])

  private static func trained(_ family: String) throws -> TrainingResult<any BinaryClassifier> {
    let table = try TrainingTable(
      names: ["x"], kinds: [.continuous], columns: [.numeric((0..<40).map { Double($0 * 7 % 11) })],
      outcomes: (0..<40).map { $0 * 7 % 11 > 5 ? 1 : 0 })
    func train<Model: BinaryClassifier>(_ type: Model.Type) throws -> TrainingResult<any BinaryClassifier> {
      let result = try type.train(
        table, parameters: TrainingParameters(), warmStart: nil, threads: 1, progress: nil,
        isCancelled: { false })
      return TrainingResult(
        model: result.model, kpis: result.kpis, curves: result.curves, warnings: result.warnings)
    }
    return try train(try families.type(named: family))
  }

  /// The model as it comes back from its stored form.
  private static func stored(_ model: any BinaryClassifier) throws -> any BinaryClassifier {
    let decoder = JSONDecoder()
    decoder.userInfo[try #require(ModelFamilies.userInfoKey)] = families
    return try decoder.decode(StoredModel.self, from: JSONEncoder().encode(StoredModel(model))).model
  }

  @Test func bothFamiliesAreStoredUnderTheirNames() throws {
    for family in Self.families.names {
      let model = try Self.trained(family).model
      let json = try JSONDecoder().decode(JSON.self, from: JSONEncoder().encode(StoredModel(model)))
      #expect(json["family"] == .string(family))
      let read = try Self.stored(model)
      #expect(type(of: read).family == family)
      #expect(try read.exportJSON() == model.exportJSON())
    }
  }

  @Test func aFamilyThatThisVersionLacksIsAnErrorOfItsOwn() throws {
    let json = try JSONEncoder().encode(StoredModel(Self.trained("step").model))
    #expect(throws: UnknownStoredName(kind: "model family", name: "step")) {
      try JSONDecoder().decode(StoredModel.self, from: json)
    }
  }

  @Test(arguments: ["linear", "step"]) func aFamilyAnswersAndExplains(_ family: String) throws {
    let model = try Self.stored(try Self.trained(family).model)
    let features = [Feature(name: "x", type: .continuous, slot: 0)]
    let served = ServedModel(
      version: 3, labelsUsed: 40, kpis: try Self.trained(family).kpis, model: model, features: features)
    let body = #"{"predictions":[{"features":{"x":2}},{"features":{"x":9}}]}"#
    let rows = try PredictionReader(schema: RowSchema(features: features)).readBatch(Array(body.utf8))
    let answers = try PredictionAnswers(rows, by: served, named: false)
    let text = PredictionFormatter(answers, explain: true)
    for (row, label) in [0, 1].enumerated() {
      var bytes: [UInt8] = []
      try text.appendJSON(row, to: &bytes)
      let answer = try JSONDecoder().decode(JSON.self, from: Data(bytes))
      #expect(answer["label"].int == label)
      #expect(answer["model_version"] == 3)
      let probability = try #require(answer["probability"].double)
      let contribution = try #require(answer["contributions"][0]["contribution"].double)
      #expect(answer["contributions"][0]["feature"] == "x")
      let logit = try #require(answer["intercept"].double) + contribution
      #expect(abs(logit - (probability / (1 - probability)).logarithm) < 1e-12)
    }
    #expect((try answers.warnings(of: 0) != nil) == (family == "step"))
    let columns = try model.makePredictor().probabilities(columns: [.numeric([2, 9])])
    #expect(columns == answers.probabilities)
  }

  @Test(arguments: ["linear", "step"]) func aFamilyIsShownAndExported(_ family: String) throws {
    let result = try Self.trained(family)
    let model = try Self.stored(result.model)
    let record = ModelRecord(
      summary: ModelSummary(
        version: 1, createdAt: Date(timeIntervalSince1970: 0), jobID: 2, trigger: .manual, isActive: true,
        isPinned: false,
        labelsUsed: 40, labelsDeletedSince: 0, converged: model.converged, parameters: TrainingParameters(),
        kpis: result.kpis),
      model: model, warnings: result.warnings)
    var writer = JSONWriter()
    try writer.model(record)
    let shown = try JSONDecoder().decode(JSON.self, from: Data(writer.buffer.readableBytesView))
    #expect(shown["threshold"] == 0.5)
    #expect(shown["converged"] == true)
    if family == "step" {
      #expect(shown["rows"] == 2 && shown["note"] == .null && shown["sides"][0]["below"].double != nil)
      #expect(shown["coefficients"] == .null)
    } else {
      #expect(shown["coefficients"][0]["kind"] == "value" && shown["features"][0]["categories"] == .null)
    }
    #expect(try model.exportPMML().contains("PMML"))
    #expect(try model.exportSQL(table: "t").contains("FROM"))
    let exported = try JSONDecoder().decode(JSON.self, from: Data(model.exportJSON().utf8))
    #expect(exported["threshold"] == 0.5 && exported["family"] == .null)
  }
}
