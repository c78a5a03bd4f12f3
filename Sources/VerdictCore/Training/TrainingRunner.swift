import Foundation
package import JobQueue
package import Learning
package import Logging
import PostgreSQL

/// Does training jobs: reads the labels, trains, and stores model, KPIs and the job's end in one transaction.
package struct TrainingRunner: Sendable {
  private let database: Database
  private let autoTraining: AutoTraining
  private let models: ModelStore
  private let reader: LabelReader
  private let timeout: Duration
  private let logger: Logger

  /// Trains on the labels in `database`.
  ///
  /// - Parameters:
  ///   - autoTraining: decides, when a training has ended, what becomes of the one that waits.
  ///   - cache: keeps what was read of datasets that train by themselves.
  ///   - patience: how long PostgreSQL waits for a runner that says nothing in the middle of writing (it may be frozen)
  ///     before it ends the transaction, and with it the locks; as long as the queue's lease.
  package init(
    database: Database, autoTraining: AutoTraining, cache: LabelCache,
    timeout: Duration = JobQueue.Configuration().lease, logger: Logger
  ) {
    self.database = database
    self.autoTraining = autoTraining
    self.models = ModelStore(database: database)
    self.reader = LabelReader(database: database, cache: cache, logger: logger)
    self.timeout = timeout
    self.logger = logger
  }

  /// Runs one job to its end.
  ///
  /// - Throws: a ``TrainingFailure`` for what cannot be trained, ``PostgreSQLError`` for what may pass: the queue
  ///   tries again for the latter only.
  package func run(_ context: JobContext) async throws {
    do {
      try await train(on: try await read(context), context)
    } catch let error as LearningError {
      throw TrainingFailure(error)
    } catch DomainError.notFound {
      throw TrainingFailure.datasetDeleted
    }
  }

  /// The first half of a job.
  func read(_ context: JobContext) async throws -> LabelReader.Reading {
    let job = context.job
    let tenant = TenantID(rawValue: job.tenant)
    context.report(0, phase: "reading")
    // Before it reads, so that nothing that comes meanwhile asks for another training on what it is about to see.
    try await writing(tenant) { try await TrainingBacklog.note(tenant, job: job, in: $0) }
    return try await reader.read(tenant, dataset: Int(job.subject)) { done, of in
      context.report(0.3 * Double(done) / Double(max(of, done, 1)), phase: "reading")
    }
  }

  /// The second half.
  func train(on data: LabelReader.Reading, _ context: JobContext) async throws {
    let job = context.job
    let tenant = TenantID(rawValue: job.tenant)
    let parameters = try job.parameters.decode(TrainingParameters.self)
    try context.checkCancellation()
    let previous = try await begin(data, tenant)
    let result = try await TrainingThread.run {
      try Learning.train(
        data.table, parameters: parameters, warmStart: previous,
        progress: { context.report(0.3 + 0.65 * $0.fraction, phase: $0.phase) },
        isCancelled: { context.isCancelled })
    }
    context.report(0.95, phase: "saving")
    try await save(result, data, tenant, parameters, context)
    logger.info(
      "trained",
      metadata: [
        "tenant": "\(tenant)", "dataset": "\(data.dataset.name)", "job": "\(job.id)",
        "labels": "\(data.table.rowCount)", "read": "\(data.rowsRead)",
      ])
  }

  /// Notes which changes are being trained on, now that this is known exactly.
  ///
  /// - Returns: the active model, to start from.
  private func begin(_ data: LabelReader.Reading, _ tenant: TenantID) async throws -> LogisticModel? {
    try await writing(tenant) { tx in
      try await tx.query(
        """
        UPDATE datasets SET reading_changes = \(data.changes)
        WHERE tenant_id = \(tenant) AND id = \(data.dataset.id)
        """)
      guard let version = data.dataset.activeVersion else { return nil }
      do {
        return try await models.model(tenant, dataset: data.dataset.id, version: version, in: tx).model
      } catch DomainError.notFound {
        // Replaced and deleted since the labels were read.
        return nil
      }
    }
  }

  private func save(
    _ result: TrainingResult, _ data: LabelReader.Reading, _ tenant: TenantID,
    _ parameters: TrainingParameters,
    _ context: JobContext
  ) async throws {
    let (job, dataset) = (context.job, data.dataset)
    let parameters = try JSONB(parameters)
    let kpis = try JSONB(result.kpis)
    let curves = try JSONB(result.curves)
    let warnings = try JSONB(result.warnings)
    // Large where a feature has very many categories.
    let model = try JSONB(result.model)
    try context.checkCancellation()
    try await writing(tenant) { tx in
      try await LabelIngest.lockOrder(tenant, dataset: dataset.id, exclusive: false, in: tx)
      // Locks the dataset: a deletion comes before or after, never in between, and versions have no gaps.
      let rows = try await tx.query(
        """
        UPDATE datasets SET last_version = last_version + 1,
                            trained_changes = greatest(trained_changes, \(data.changes))
        WHERE tenant_id = \(tenant) AND id = \(dataset.id) AND deleted_at IS NULL
        RETURNING last_version, auto_train, training
        """)
      guard let (version, policy, defaults) = try rows.first?.decode(Int.self, JSONB.self, JSONB.self) else {
        throw TrainingFailure.datasetDeleted
      }
      let deleted = try await Self.deletedSince(data, tenant, in: tx)
      try await tx.query(
        """
        INSERT INTO models (tenant_id, dataset_id, version, job_id, trigger, labels_used, last_label_id,
                            labels_deleted_since, parameters, model, curves, warnings)
        VALUES (\(tenant), \(dataset.id), \(version), \(job.id), \(job.origin), \(data.table.rowCount),
                \(data.lastLabelID), \(deleted), \(parameters), \(model), \(curves), \(warnings))
        """)
      try await tx.query(
        """
        INSERT INTO kpis (tenant_id, dataset_id, model_version, job_id, trigger, kpis)
        VALUES (\(tenant), \(dataset.id), \(version), \(job.id), \(job.origin), \(kpis))
        """)
      try await ModelStore.settle(tenant, dataset: dataset.id, newest: version, kpis: result.kpis, in: tx)
      // What waits may have nothing left to do.
      let autoTrain = try policy.decode(AutoTrain.self)
      if autoTrain.enabled {
        try await autoTraining.reconsider(
          tenant, dataset: dataset.id, autoTrain, defaults.decode(TrainingParameters.self),
          .superseded(by: job.id), in: tx)
      }
      try await context.finish(TrainingOutcome(modelVersion: version, kpis: result.kpis), in: tx)
    }
  }

  /// A transaction that holds locks for no longer than a frozen runner is waited for.
  private func writing<T: Sendable>(
    _ tenant: TenantID, _ body: @Sendable (Transaction) async throws -> T
  ) async throws -> T {
    let (seconds, attoseconds) = timeout.components
    let timeout = seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    return try await database.transaction(for: tenant) { tx in
      try await tx.query("SET LOCAL idle_in_transaction_session_timeout = \(unescaped: String(timeout))")
      return try await body(tx)
    }
  }

  /// How many of the labels that the training read are gone by now.
  ///
  /// A deletion marks the models that it can see. This one is not there yet, and deletions wait until it is
  /// (``LabelIngest/lockOrder(_:dataset:exclusive:in:)``), so what has gone before is counted here.
  static func deletedSince(
    _ data: LabelReader.Reading, _ tenant: TenantID, in tx: Transaction
  ) async throws -> Int {
    let counts = try await LabelCounting.counts(tenant, dataset: data.dataset.id, in: tx)
    guard counts.changes != data.changes else { return 0 }
    // Counting would not do: rows that were still to be committed when the training read can have lower ids than its last.
    let present = try await LabelReader.ids(tenant, data.dataset.id, upTo: data.lastLabelID, in: tx)
    var next = 0
    return data.ids.count { id in
      while next < present.count, present[next] < id { next += 1 }
      return next == present.count || present[next] != id
    }
  }
}

/// What a succeeded training job keeps as its result.
package struct TrainingOutcome: Sendable, Codable {
  /// The version that it made.
  package var modelVersion: Int
  /// The version's KPIs.
  package var kpis: KPIs

  private enum CodingKeys: String, CodingKey {
    case modelVersion = "model_version"
    case kpis
  }
}
