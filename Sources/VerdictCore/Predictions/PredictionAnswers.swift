package import Foundation
package import Learning
package import RowFormats

/// The predictions of one model for rows of one dataset, in one response.
///
/// A class, since it is passed on several times on its way into the database.
package final class PredictionAnswers: Sendable {
  /// The model that predicted.
  package let model: ServedModel
  /// The rows, in their order.
  package let rows: RowBatch
  /// The ids of the stored predictions, one per row; empty if they were not stored.
  package let ids: [UUID]
  /// The probability of label 1 of each row.
  package let probabilities: [Double]
  private let predictions: RowPredictions

  /// The number of rows.
  package var count: Int { rows.count }

  /// The decision on a row.
  package func label(_ row: Int) -> Bool { probabilities[row] >= model.threshold }

  /// Predicts rows.
  ///
  /// - Parameter named: whether they get ids, to be stored under.
  /// - Throws: `RowRefusal` for a number beyond the range of models, which the reader of the rows refuses before.
  init(_ rows: RowBatch, by model: ServedModel, named: Bool) throws(RowRefusal) {
    self.model = model
    self.rows = rows
    ids = named ? UUID.version7(count: rows.count) : []
    let answers = try model.predictor.predict(rows.forPrediction, slots: model.slots)
    probabilities = answers.probabilities
    predictions = answers
  }

  /// Returns the model's warnings about a row; `nil` without any.
  package func warnings(of row: Int) throws -> [PredictionWarning]? {
    if row < predictions.warnedRows { return predictions.warnings[row] }
    let warnings = try model.predictor.predict(rows.featureRow(row).values(of: model.features)).warnings
    return warnings.isEmpty ? nil : warnings
  }

  /// The memory that the answers to a number of rows take beside the rows.
  package static func byteCount(rows: Int, features: Int) -> Int {
    // Id and probability, and what a warning takes in memory.
    rows * 24 + min(rows * features, RowPredictions.mostWarnings + features) * 256
  }

  /// Returns the contributions of features and of pairs to a row's log-odds, the largest of each first.
  ///
  /// - Parameters:
  ///   - row: the row.
  ///   - splittingPairs: whether the contribution of a pair is added by halves to those of its features.
  package func explanation(of row: Int, splittingPairs: Bool = false) throws -> Explanation {
    var explanation = try model.predictor.explain(rows.featureRow(row).values(of: model.features))
    if splittingPairs { explanation = explanation.splittingPairs }
    explanation.pairs.sort { abs($0.contribution) > abs($1.contribution) }
    explanation.contributions.sort { abs($0.contribution) > abs($1.contribution) }
    return explanation
  }
}

extension RowBatch {
  /// One row as it is stored.
  package func featureRow(_ row: Int) -> FeatureRow {
    let (numbers, categories) = self.row(row)
    return FeatureRow(numbers: numbers, categories: categories)
  }

  fileprivate var forPrediction: PredictorRows {
    PredictorRows(
      count: count, numbers: numbers, numberStride: numberSlots, text: categories.bytes,
      nameEnds: categories.ends, nameStride: categorySlots)
  }
}
