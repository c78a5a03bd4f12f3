import Foundation

@testable import Learning

/// A model family that exists in tests alone: one probability below an edge of one number, another one from there on. It
/// stands for whatever family comes next.
struct StepModel: BinaryClassifier, Equatable {
  static let family = "step"

  var feature: String
  var edge: Double
  var below: Double
  var above: Double
  var threshold = 0.5
  var converged: Bool { true }
  var featureNames: [String] { [feature] }

  private enum CodingKeys: String, CodingKey { case feature, edge, below, above, threshold }

  static func train(
    _ table: TrainingTable, parameters: TrainingParameters, warmStart: (any BinaryClassifier)?, threads: Int?,
    progress: (@Sendable (TrainingProgress) -> Void)?, isCancelled: @escaping @Sendable () -> Bool
  ) throws -> TrainingResult<StepModel> {
    guard case .numeric(let values)? = table.columns.first else {
      throw LearningError.malformedTable(detail: "A step needs a number.")
    }
    let edge = values.reduce(0, +) / Double(values.count)
    func share(_ isAbove: Bool) -> Double {
      let rows = values.indices.filter { (values[$0] >= edge) == isAbove }
      return Double(rows.count { table.outcomes[$0] == 1 } + 1) / Double(rows.count + 2)
    }
    let model = StepModel(feature: table.names[0], edge: edge, below: share(false), above: share(true))
    let scores = values.map { $0 < edge ? model.below : model.above }
    return TrainingResult(
      model: model, kpis: try KPIs(scores: scores, outcomes: table.outcomes, threshold: model.threshold),
      curves: Curves(scores: scores, outcomes: table.outcomes), warnings: [])
  }

  static func heldOut(
    _ table: TrainingTable, parameters: TrainingParameters, split: ValidationSplit,
    warmStart: (any BinaryClassifier)?, threads: Int?, progress: (@Sendable (TrainingProgress) -> Void)?,
    isCancelled: @escaping @Sendable () -> Bool
  ) throws -> HeldOutPredictions {
    // The measurement of ``train`` sees all rows, too.
    let model = try train(
      table, parameters: parameters, warmStart: nil, threads: threads, progress: progress,
      isCancelled: isCancelled
    ).model
    let scores = try model.makePredictor().probabilities(columns: table.columns)
    return HeldOutPredictions(scores: split.measuredRows.map { scores[$0] }, threshold: model.threshold)
  }

  func renamingCategories(_ name: (_ feature: String, _ category: String) -> String) -> StepModel { self }

  func makePredictor() -> any Predictor { StepPredictor(model: self) }

  func describe() -> [ModelDescription.Member] {
    [
      .init("edge", .number(edge)), .init("rows", .count(2)), .init("note", .text(nil)),
      .init("sides", .list([.members([.init("below", .number(below))]), .number(above)])),
    ]
  }

  func exportJSON() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
  func exportPMML() -> String { "<PMML/>" }
  func exportSQL(table: String) -> String { "SELECT * FROM \(table)" }
}

private struct StepPredictor: Predictor {
  var model: StepModel
  var byteCount: Int { 64 + model.feature.utf8.count }

  private func probability(_ value: Double) -> Double { value < model.edge ? model.below : model.above }

  func predict(_ row: FeatureValues) throws(LearningError) -> Prediction {
    guard case .number(let value)? = row.values.first else {
      throw .wrongValueType(feature: model.feature, expected: "number")
    }
    let probability = probability(value)
    return Prediction(
      probability: probability, label: probability >= model.threshold ? 1 : 0, warnings: [])
  }

  func predict(_ rows: PredictorRows, slots: [Int]) throws(RowRefusal) -> RowPredictions {
    RowPredictions(
      probabilities: (0..<rows.count).map { probability(rows.numbers[$0 * rows.numberStride + slots[0]]) },
      warnings: [
        0: [PredictionWarning(kind: .outsideRange, feature: model.feature, detail: "A step knows no range.")]
      ])
  }

  func probabilities(columns: [TrainingTable.Column]) throws(LearningError) -> [Double] {
    guard case .numeric(let values)? = columns.first else {
      throw .wrongFeatureCount(expected: 1, found: columns.count)
    }
    return values.map(probability)
  }

  func explain(_ row: FeatureValues) throws(LearningError) -> Explanation {
    let probability = try predict(row).probability
    return Explanation(
      intercept: -1,
      contributions: [
        Contribution(
          feature: model.feature, value: row.values[0],
          contribution: (probability / (1 - probability)).logarithm + 1, deviation: 0)
      ])
  }
}
