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
  /// The model's warnings by row.
  package let warnings: [Int: [PredictionWarning]]

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
    warnings = answers.warnings
  }

  /// Returns the contribution of each feature to a row's log-odds, the largest first.
  package func explanation(of row: Int) throws -> Explanation {
    var explanation = try model.predictor.explain(rows.featureRow(row).values(of: model.features))
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
