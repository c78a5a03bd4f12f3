package import Learning
package import RowFormats

/// What a server keeps of a dataset in memory to answer predictions: description, gate and compiled model.
///
/// A class, as the model: each prediction hands them on several times, and a copy would count a reference for each member.
package final class ServedDataset: Sendable {
  /// The dataset as of its `revision`.
  package let dataset: Dataset
  /// How bodies for it are read.
  package let schema: RowSchema
  /// The active model, if there is one.
  package let model: ServedModel?
  /// What the gate has to go by for it, if there are both.
  let evidence: GateEvidence?

  init(dataset: Dataset, schema: RowSchema, model: ServedModel?, evidence: GateEvidence?) {
    self.dataset = dataset
    self.schema = schema
    self.model = model
    self.evidence = evidence
  }

  /// The model that may answer.
  ///
  /// - Throws: ``DomainError/noModel(dataset:)``, ``DomainError/belowGate(metric:value:minimum:modelVersion:labels:)``.
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
  /// On how many labels it was fitted.
  package let labelsUsed: Int
  /// What the gate compares.
  package let kpis: KPIs
  /// The model as stored, for contributions.
  package let model: LogisticModel
  /// The model compiled for speed.
  package let predictor: Predictor
  /// The dataset's features at the time of the training: a prefix of its features now.
  package let features: [Feature]
  /// Where each of them stands in a row.
  let slots: [Int]

  init(version: Int, labelsUsed: Int, kpis: KPIs, model: LogisticModel, features: [Feature]) {
    self.version = version
    self.labelsUsed = labelsUsed
    self.kpis = kpis
    self.model = model
    self.features = features
    predictor = model.predictor()
    slots = features.map(\.slot)
  }
}
