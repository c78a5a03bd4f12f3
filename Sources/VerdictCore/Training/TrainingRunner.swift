import Foundation
package import JobQueue
package import Learning
package import Logging
import PostgreSQL

/// Runs training jobs: reads the labels, trains, and stores the model, the KPIs and the job's final state in one
/// transaction.
package struct TrainingRunner: Sendable {
  private let database: Database
  private let autoTraining: AutoTraining
  private let models: ModelStore
  private let reader: LabelReader
  private let profiles: ProfileRecorder
  private let timeout: Duration
  private let logger: Logger

  /// Creates a runner for the labels in `database`.
  ///
  /// - Parameters:
  ///   - autoTraining: reconciles the queued automatic training when a training has ended.
  ///   - cache: the cache of labels that were read earlier.
  ///   - memory: the memory of all trainings of the process.
  ///   - timeout: the time after which PostgreSQL ends an idle write transaction, and with it the locks of a frozen
  ///     runner; as long as the queue's lease.
  package init(
    database: Database, autoTraining: AutoTraining, cache: LabelCache,
    memory: TrainingMemory = TrainingMemory(limit: TrainingMemory.defaultLimit),
    timeout: Duration = JobQueue.Configuration().lease, logger: Logger
  ) {
    self.database = database
    self.autoTraining = autoTraining
    self.models = ModelStore(database: database)
    self.reader = LabelReader(database: database, cache: cache, memory: memory, logger: logger)
    self.profiles = ProfileRecorder(database: database, logger: logger)
    self.timeout = timeout
    self.logger = logger
  }

  /// Runs one job to completion.
  ///
  /// - Throws: a ``TrainingFailure`` for permanent failures, ``PostgreSQLError`` for transient ones, and `JobPostponed` when
  ///   other transactions of the tenant hold a lock that the job needs. The queue retries only the latter two.
  package func run(_ context: JobContext) async throws {
    do {
      try await train(on: try await read(context), context)
    } catch let error as LearningError {
      throw TrainingFailure(error)
    } catch DomainError.notFound {
      throw TrainingFailure.datasetDeleted
    } catch let error as PostgreSQLError where error.sqlState == .lockNotAvailable {
      throw JobPostponed(cause: error)
    }
  }

  /// Reads the job's labels, the first half of a job.
  func read(_ context: JobContext) async throws -> LabelReader.Reading {
    let job = context.job
    let tenant = TenantID(rawValue: job.tenant)
    context.report(0, phase: "reading")
    // Recorded before the read, so that changes that the read still sees do not enqueue another training.
    try await writing(tenant) { try await TrainingBacklog.recordReading(tenant, job: job, in: $0) }
    let validation = try job.parameters.decode(TrainingParameters.self).validation
    return try await reader.read(tenant, dataset: Int(job.subject), hasTimes: validation.usesTimes) {
      done, of in
      context.report(0.3 * Double(done) / Double(max(of, done, 1)), phase: "reading")
    }
  }

  /// Trains and stores the result, the second half of a job.
  func train(on data: LabelReader.Reading, _ context: JobContext) async throws {
    let job = context.job
    let tenant = TenantID(rawValue: job.tenant)
    let parameters = try job.parameters.decode(TrainingParameters.self)
    try context.checkCancellation()
    try await data.reserve(for: parameters)
    // The table, and about as much while it is encoded.
    defer { HeapTrimmer.process.freed(data.table.rowCount * data.table.columns.count * 16) }
    let previous = try await begin(data, tenant)
    // A model that has used erased labels leaves no trace in its successor, not even as the start of the optimization.
    let start = previous?.summary.erasedLabels == 0 ? previous?.model : nil
    let evaluation = ActivationEvaluation(
      database: database, data: data, tenant: tenant, parameters: parameters)
    // The memory of a comparison is reserved before the work that would be lost without it.
    let compares = try await evaluation.prepare(previous)
    // With a comparison, there are about as many fits again.
    let share = compares ? 0.35 : 0.65
    let result = try await BackgroundThreads.trainings.run {
      try ModelFamilies.standard.train(
        data.table, parameters: parameters, warmStart: start,
        progress: { context.report(0.3 + share * $0.fraction, phase: $0.phase) },
        isCancelled: { context.isCancelled })
    }
    var evidence: ActivationEvidence? = try await evaluation.evidence(
      for: result.model, previous, context, from: 0.3 + share)
    var comparisons = 3
    while true {
      context.report(0.95, phase: "saving")
      do {
        try await save(result, evidence, data, tenant, parameters, context)
        break
      } catch is ActivationEvidence.Outdated {
        // Another model has become active meanwhile. One that a flow of promotions activates again and again stays.
        comparisons -= 1
        evidence = nil
        if comparisons > 0 {
          evidence = try await evaluation.evidence(for: result.model, previous, context, from: 0.95)
        }
      }
    }
    logger.info(
      "trained",
      metadata: [
        "tenant": "\(tenant)", "dataset": "\(data.dataset.name)", "job": "\(job.id)",
        "labels": "\(data.table.rowCount)", "read": "\(data.rowsRead)",
      ])
    await profiles.record(data, tenant, job: job.id)
  }

  /// Records the exact change count of the labels that were read.
  ///
  /// - Returns: the active model, for a warm start and to compare with.
  private func begin(_ data: LabelReader.Reading, _ tenant: TenantID) async throws -> ModelRecord? {
    let stored: StoredModelRecord? = try await writing(tenant) { tx in
      try await tx.query(
        """
        UPDATE datasets SET reading_changes = \(data.changes)
        WHERE tenant_id = \(tenant) AND id = \(data.dataset.id)
        """)
      guard let version = data.dataset.activeVersion else { return nil }
      // There is none if the model was replaced and deleted after the labels were read.
      return try await models.find(tenant, dataset: data.dataset.id, version: version, in: tx)
    }
    guard let stored else { return nil }
    return try await BackgroundThreads.trainings.run { try stored.record() }
  }

  /// Stores the model, and makes it the active one if the dataset's policy does so with this evidence; `nil` leaves an active model.
  ///
  /// - Throws: ``ActivationEvidence/Outdated`` if the policy needs other evidence; nothing was stored then.
  private func save(
    _ result: TrainingResult<any BinaryClassifier>, _ evidence: ActivationEvidence?,
    _ data: LabelReader.Reading, _ tenant: TenantID, _ parameters: TrainingParameters, _ context: JobContext
  ) async throws {
    let (job, dataset) = (context.job, data.dataset)
    let parameters = try JSONB(parameters)
    let kpis = try JSONB(result.kpis)
    let curves = try JSONB(result.curves)
    let warnings = try StoredWarnings(result.warnings)
    // Large if a feature has very many categories.
    let model = try JSONB(StoredModel(result.model))
    try await saving(tenant, context) { tx in
      try await LabelIngest.lockOrder(tenant, dataset: dataset.id, exclusive: false, in: tx)
      // Locks the dataset's row, so that deletions are serialized with this transaction and versions have no gaps.
      let rows = try await tx.query(
        """
        UPDATE datasets SET last_version = last_version + 1,
                            trained_changes = greatest(trained_changes, \(data.changes))
        WHERE tenant_id = \(tenant) AND id = \(dataset.id) AND writable AND deleted_at IS NULL
        RETURNING last_version, auto_train, training, activation, active_version, pinned_version, models_kept
        """)
      guard
        let (version, policy, defaults, rule, active, pinned, kept) = try rows.first?.decode(
          Int.self, JSONB.self, JSONB.self, JSONB.self, Int?.self, Int?.self, Int.self)
      else { throw TrainingFailure.datasetDeleted }
      let before = ActiveVersion(version: active, pinned: pinned)
      let activation = try rule.decode(Activation.self)
      let decision =
        try evidence?.decision(by: activation, before)
        ?? ActivationEvidence.Decision(activates: active == nil && activation.policy != .manual)
      let deleted = try await Self.deletedSince(data, tenant, in: tx)
      // Deletions and erasures in the same time are not told apart: too many count as erased, and none too few.
      let isErased =
        try await deleted == 0
        ? false : ErasureTraining.haveBeenErased(tenant, dataset: dataset.id, since: data.changes, in: tx)
      try await tx.query(
        """
        INSERT INTO models (tenant_id, dataset_id, version, job_id, trigger, labels_used, last_label_id,
                            labels_deleted_since, erased_labels, converged, parameters, model, curves, warnings, later_warnings,
                            comparison)
        VALUES (\(tenant), \(dataset.id), \(version), \(job.id), \(job.origin), \(data.table.rowCount),
                \(data.lastLabelID), \(deleted), \(isErased ? deleted : 0), \(result.model.converged), \(parameters),
                \(model), \(curves), \(warnings.warnings), \(warnings.later), \(try decision.comparison.map { try JSONB($0) }))
        """)
      try await tx.query(
        """
        INSERT INTO kpis (tenant_id, dataset_id, model_version, job_id, trigger, kpis)
        VALUES (\(tenant), \(dataset.id), \(version), \(job.id), \(job.origin), \(kpis))
        """)
      if decision.activates {
        try await PromotionStore.activate(
          tenant, dataset: dataset.id, version: version, before: before,
          because: decision.reason(under: activation), by: .training(Int(job.id)),
          comparison: decision.comparison, in: tx)
      }
      try await ModelStore.prune(
        tenant, dataset: dataset.id, active: decision.activates ? version : active, keeping: kept, in: tx)
      // After the dataset's own rule, which an erasure overrides.
      try await ErasureTraining.finish(
        tenant, dataset: dataset.id, job: Int(job.id), version: version, in: tx)
      // The queued training may have nothing left to do.
      let autoTrain = try policy.decode(AutoTrain.self)
      if autoTrain.enabled {
        try await autoTraining.reconsider(
          tenant, dataset: dataset.id, autoTrain, defaults.decode(TrainingParameters.self),
          .superseded(by: job.id), in: tx)
      }
      try await context.finish(TrainingOutcome(modelVersion: version, kpis: result.kpis), in: tx)
    }
  }

  /// Runs a transaction that PostgreSQL ends when the runner is idle for longer than `timeout`, or waits for a lock for longer
  /// than `patience`: a worker that waits for one tenant's locks does no other tenant's jobs.
  private func writing<T: Sendable>(
    _ tenant: TenantID, patience: Duration = Self.patience,
    _ body: @Sendable (Transaction) async throws -> T
  ) async throws -> T {
    let (idle, lock) = (Int(timeout / .milliseconds(1)), Int(patience / .milliseconds(1)))
    return try await database.transaction(for: tenant) { tx in
      try await tx.pipeline([
        "SET LOCAL idle_in_transaction_session_timeout = \(unescaped: String(idle))",
        "SET LOCAL lock_timeout = \(unescaped: String(lock))",
      ])
      return try await body(tx)
    }
  }

  /// Runs the transaction that stores the result, and repeats it while others hold a lock that it needs: the work is done, and a
  /// postponed job repeats all of it. Each repetition lets those go first that wait behind it.
  private func saving(
    _ tenant: TenantID, _ context: JobContext, _ body: @Sendable (Transaction) async throws -> Void
  ) async throws {
    var repetitions = 10
    while true {
      try context.checkCancellation()
      do {
        return try await writing(tenant, patience: .seconds(1), body)
      } catch let error as PostgreSQLError where error.sqlState == .lockNotAvailable && repetitions > 0 {
        repetitions -= 1
      }
    }
  }

  /// How long a job waits for a lock before it has done any work.
  private static let patience = Duration.milliseconds(250)

  /// Returns the number of labels that the training read and that have been deleted since.
  ///
  /// A deletion updates the models that it sees. It cannot see this one yet, and later deletions wait for this
  /// transaction (``LabelIngest/lockOrder(_:dataset:exclusive:in:)``), so earlier deletions are counted here.
  static func deletedSince(
    _ data: LabelReader.Reading, _ tenant: TenantID, in tx: Transaction
  ) async throws -> Int {
    let counts = try await LabelCounting.counts(tenant, dataset: data.dataset.id, in: tx)
    guard counts.changes != data.changes else { return 0 }
    // A count would not suffice: rows that were uncommitted when the training read can have lower ids than its last
    // one.
    let present = try await LabelReader.ids(tenant, data.dataset.id, upTo: data.lastLabelID, in: tx)
    var next = 0
    return data.ids.count { id in
      while next < present.count, present[next] < id { next += 1 }
      return next == present.count || present[next] != id
    }
  }
}

/// The result of a succeeded training job.
package struct TrainingOutcome: Sendable, Codable {
  /// The version of the model.
  package var modelVersion: Int
  /// The version's KPIs.
  package var kpis: KPIs

  private enum CodingKeys: String, CodingKey {
    case modelVersion = "model_version"
    case kpis
  }
}
