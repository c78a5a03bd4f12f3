import Learning
import PostgreSQL
import RowFormats

/// A model version as the database has it. It is read within a transaction and decoded after it, when the connection is
/// back in the pool: decoding a large model takes a second.
struct StoredModelRecord: Sendable {
  /// The part that lists show.
  var summary: ModelSummary
  /// The model; `nil` if it is larger than the read allowed.
  var model: JSONB?
  /// The findings of the training.
  var warnings: JSONB
  /// The features of the dataset.
  var features: JSONB
  /// The comparison with the model that was active before; `nil` for none.
  var comparison: JSONB?
  /// The dataset's setting of that name.
  var minBinRows: Int

  /// Decodes the model; `nil` without one.
  func record() throws -> ModelRecord? {
    guard let model else { return nil }
    return ModelRecord(
      summary: summary,
      model: Self.spelled(try model.decode(StoredModel.self).model, try features.decode([Feature].self)),
      warnings: try warnings.decode([TrainingWarning].self),
      comparison: try comparison?.decode(ActivationComparison.self), minBinRows: minBinRows)
  }

  /// A model with the spelling of categories that rows are read with: a model of an earlier version may have others.
  static func spelled(_ model: any BinaryClassifier, _ features: [Feature]) -> any BinaryClassifier {
    let listed = Dictionary(features.map { ($0.name, $0.categories) }) { first, _ in first }
    return model.renamingCategories { feature, category in
      CategorySpelling.canonical(category, listed: listed[feature] ?? nil)
    }
  }
}
