import JobQueue
import Learning
import PostgreSQL

/// The second half of a training under the policy `best`: compares the new model's parameters with those of the active model, on the
/// rows of the training.
struct ActivationEvaluation: Sendable {
  private let database: Database
  private let data: LabelReader.Reading
  private let tenant: TenantID
  private let parameters: TrainingParameters
  /// The bytes that the training and a comparison take.
  private let bytes: Int

  /// An evaluation of one training.
  ///
  /// - Parameters:
  ///   - data: the labels of the training, with the memory that it has reserved.
  ///   - parameters: the parameters of the training.
  init(
    database: Database, data: LabelReader.Reading, tenant: TenantID, parameters: TrainingParameters
  ) {
    self.database = database
    self.data = data
    self.tenant = tenant
    self.parameters = parameters
    bytes = data.memory.count + data.table.rowCount * ModelFamilies.comparisonBytes
  }

  /// Reserves the memory of a comparison, if one is to be expected.
  ///
  /// - Parameter previous: the active model before the training.
  /// - Returns: whether one is to be expected.
  /// - Throws: as ``TrainingReservation/grow(to:for:)``.
  func prepare(_ previous: ModelRecord?) async throws -> Bool {
    guard data.dataset.settings.activation.policy == .best, let previous,
      !previous.summary.parameters.fitsLike(parameters)
    else { return false }
    try await reserve()
    return true
  }

  /// The facts for the policy of this moment. Nothing is fitted for other policies than `best`, beside a pinned model, or if the
  /// active model's parameters fit like the new ones: the two fits would be the same.
  ///
  /// - Parameters:
  ///   - model: the new model, from which its fits start.
  ///   - previous: the active model before the training.
  ///   - context: the job, which is told of the progress and asked about cancellation.
  ///   - progress: the progress of the job so far.
  /// - Throws: ``LearningError``; `CancellationError`; ``PostgreSQLError``.
  func evidence(
    for model: any BinaryClassifier, _ previous: ModelRecord?, _ context: JobContext, from progress: Double
  ) async throws -> ActivationEvidence {
    guard let champion = try await champion(known: previous) else { return .none }
    var evidence = ActivationEvidence(champion: champion.summary.version)
    guard !champion.summary.parameters.fitsLike(parameters) else { return evidence }
    try await reserve()
    let (data, parameters) = (data, parameters)
    evidence.comparison = try await BackgroundThreads.trainings.run {
      try ModelFamilies.standard.compare(
        data.table, champion: champion.summary.parameters, challenger: parameters,
        warmStarts: (champion.model, model),
        progress: { context.report(progress + (0.95 - progress) * $0.fraction, phase: $0.phase) },
        isCancelled: { context.isCancelled })
    }
    return evidence
  }

  /// The active model, if the policy compares with it.
  private func champion(known previous: ModelRecord?) async throws -> ModelRecord? {
    let models = ModelStore(database: database)
    let (version, stored) = try await database.transaction(for: tenant, readOnly: true) {
      tx -> (Int?, StoredModelRecord?) in
      guard let (active, policy) = try await PromotionStore.state(tenant, dataset: data.dataset.id, in: tx),
        policy.policy == .best, policy.metric?.isCompared == true, let version = active.version,
        !active.isPinned
      else { return (nil, nil) }
      if version == previous?.summary.version { return (version, nil) }
      return (version, try await models.find(tenant, dataset: data.dataset.id, version: version, in: tx))
    }
    guard let version else { return nil }
    if version == previous?.summary.version { return previous }
    // There is none if the model was replaced and deleted meanwhile.
    return try await BackgroundThreads.trainings.run { try stored?.record() }
  }

  private func reserve() async throws {
    try await data.memory.grow(
      to: bytes, for: "Training on \(data.table.rowCount) labels beside the active model's parameters")
  }
}
