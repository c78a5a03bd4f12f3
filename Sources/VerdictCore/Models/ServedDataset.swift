package import Learning
package import RowFormats

/// A dataset in a server's memory, ready to answer predictions: description, gate and prepared model.
///
/// A class, like the model: predictions pass both on several times, and copying a struct would retain each member.
package final class ServedDataset: Sendable {
  /// The dataset as of its `revision`.
  package let dataset: Dataset
  /// The schema by which bodies are parsed.
  package let schema: RowSchema
  /// The active model, if there is one.
  package let model: ServedModel?
  /// The values that the gate compares, if there are a gate and a model.
  let evidence: GateEvidence?
  /// The approximate size in memory in bytes, with the model.
  let byteCount: Int

  init(dataset: Dataset, schema: RowSchema, model: ServedModel?, evidence: GateEvidence?) {
    self.dataset = dataset
    self.schema = schema
    self.model = model
    self.evidence = evidence
    // The description has the features once, the compiled schema a second time.
    byteCount =
      2_048 + (model?.byteCount ?? 0)
      + dataset.features.reduce(0) { sum, feature in
        sum + 256 + 2 * feature.name.utf8.count
          + (feature.categories ?? []).reduce(0) { $0 + 128 + 2 * $1.utf8.count }
      }
  }

  /// Returns the model if the gate admits it.
  ///
  /// - Throws: ``DomainError/noModel(dataset:)``, ``DomainError/belowGate(_:)``.
  package func admittedModel() throws -> ServedModel {
    guard let model else { throw DomainError.noModel(dataset: dataset.name) }
    if let evidence { try dataset.settings.gate?.check(evidence, modelVersion: model.version) }
    return model
  }
}

/// A model ready to predict.
package final class ServedModel: Sendable {
  /// Its version.
  package let version: Int
  /// The number of labels that it was fitted on.
  package let labelsUsed: Int
  /// The KPIs that the gate compares.
  package let kpis: KPIs
  /// The lowest probability that means outcome 1.
  package let threshold: Double
  /// The model in a form that is prepared for predictions.
  let predictor: any Predictor
  /// The dataset's features at the time of the training: a prefix of its features now.
  package let features: [Feature]
  /// The slot of each of them in a row.
  let slots: [Int]
  /// The approximate size in memory in bytes. The features are those of the dataset.
  let byteCount: Int

  init(version: Int, labelsUsed: Int, kpis: KPIs, model: any BinaryClassifier, features: [Feature]) {
    self.version = version
    self.labelsUsed = labelsUsed
    self.kpis = kpis
    self.features = features
    threshold = model.threshold
    predictor = model.makePredictor()
    slots = features.map(\.slot)
    byteCount = 512 + predictor.byteCount + features.count * (MemoryLayout<Feature>.stride + 8)
  }

  /// Whether the model is that of a dataset with these features: its own features come first, and its categories are
  /// spelled by the lists that the dataset had when it was prepared.
  func fits(_ features: [Feature]) -> Bool {
    self.features.elementsEqual(features.prefix(self.features.count))
  }
}
