public import Learning

/// What a server keeps of a dataset in memory to answer predictions: description, gate and compiled model.
public struct ServedDataset: Sendable {
  /// The dataset as of its `revision`.
  public var dataset: Dataset
  /// How bodies for it are read.
  public var schema: RowSchema
  /// The active model, if there is one.
  public var model: ServedModel?
  /// What the gate has to go by for it, if there are both.
  var evidence: GateEvidence?

  /// The model that may answer.
  ///
  /// - Throws: ``DomainError/noModel(dataset:)``, ``DomainError/belowGate(metric:value:minimum:modelVersion:labels:)``.
  public func admittedModel() throws -> ServedModel {
    guard let model else { throw DomainError.noModel(dataset: dataset.name) }
    if let evidence { try dataset.gate?.check(evidence, modelVersion: model.version) }
    return model
  }
}

/// A model ready to predict.
public struct ServedModel: Sendable {
  /// Its version.
  public var version: Int
  /// On how many labels it was fitted.
  public var labelsUsed: Int
  /// What the gate compares.
  public var kpis: KPIs
  /// The model as stored, for contributions.
  public var model: LogisticModel
  /// The model compiled for speed.
  public var predictor: Predictor
  /// The dataset's features at the time of the training: a prefix of its features now.
  public var features: [Feature]
  /// Where each of them stands in a row.
  var slots: [Int]
}
