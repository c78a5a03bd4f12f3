import Foundation
import JobQueue
import Learning
import PostgreSQL

/// The training that follows an erasure, so that no model is left that has used the erased labels.
enum ErasureTraining {
  /// Queues a training with the parameters of the active model or, without one, of the dataset; joins the one that another erasure
  /// waits for, if that has not begun.
  ///
  /// The labels were removed by earlier transactions, so that a training that begins from here on does not read them. The tenant's limit
  /// on waiting jobs does not apply: a refusal would leave the models that used the labels.
  ///
  /// - Returns: the number of the job.
  /// - Throws: ``DomainError/notFound(what:)`` if the dataset was deleted.
  static func enqueue(
    _ tenant: TenantID, dataset: Int, _ queue: JobQueue, in tx: Transaction
  ) async throws -> Int {
    let waiting = try await tx.query(
      """
      SELECT job_id FROM erasures
      WHERE tenant_id = \(tenant) AND dataset_id = \(dataset) AND finished_at IS NULL AND job_id IS NOT NULL
      ORDER BY id DESC LIMIT 1
      """
    ).first?.decode(Int.self)
    if let waiting, try await queue.job(tenant: tenant.rawValue, id: Int64(waiting), in: tx)?.state == .queued
    {
      return waiting
    }
    let row = try await tx.query(
      """
      SELECT coalesce(m.parameters, d.training) FROM datasets d
      LEFT JOIN models m ON m.tenant_id = d.tenant_id AND m.dataset_id = d.id AND m.version = d.active_version
      WHERE d.tenant_id = \(tenant) AND d.id = \(dataset) AND d.writable AND d.deleted_at IS NULL
      """
    ).first
    guard let parameters = try row?.decode(JSONB.self) else {
      throw DomainError.notFound(what: "dataset \(dataset)")
    }
    let job = try await queue.enqueue(
      NewJob(
        tenant: tenant.rawValue, subject: Int64(dataset), origin: TrainingTrigger.manual.rawValue,
        parameters: try JSONB(parameters.decode(TrainingParameters.self))),
      in: tx)
    return Int(job.id)
  }

  /// Ends the erasures that wait for a training with its model, in the transaction that stores the model: it becomes active,
  /// whatever the dataset's rule of activation says and whether or not the present one is pinned, and every other model that has used erased labels is deleted. The history of
  /// KPIs stays.
  ///
  /// - Returns: whether an erasure waited, and the model exists.
  @discardableResult
  static func finish(
    _ tenant: TenantID, dataset: Int, job: Int, version: Int, in tx: Transaction
  ) async throws -> Bool {
    let ended = try await tx.query(
      """
      UPDATE erasures e SET state = 'succeeded', model_version = \(version), finished_at = clock_timestamp()
      WHERE e.tenant_id = \(tenant) AND e.dataset_id = \(dataset) AND e.job_id = \(job) AND e.finished_at IS NULL
        AND EXISTS (SELECT FROM models m
                    WHERE m.tenant_id = e.tenant_id AND m.dataset_id = e.dataset_id AND m.version = \(version))
      RETURNING e.id
      """
    ).map { try $0.decode(Int.self) }
    guard !ended.isEmpty else { return false }
    let (active, pinned) = try await tx.query(
      """
      SELECT active_version, pinned_version FROM datasets WHERE tenant_id = \(tenant) AND id = \(dataset) FOR NO KEY UPDATE
      """
    ).single().decode(Int?.self, Int?.self)
    // A later model, if this end is found late, has not read the labels either.
    let newest = max(active ?? version, version)
    if newest != active {
      try await PromotionStore.activate(
        tenant, dataset: dataset, version: newest, before: ActiveVersion(version: active, pinned: pinned),
        because: .erasure, by: .training(job), in: tx)
    }
    let deleted = try await tx.query(
      """
      DELETE FROM models
      WHERE tenant_id = \(tenant) AND dataset_id = \(dataset) AND erased_labels > 0
        AND version <> \(version) AND version <> \(newest)
      """
    ).affectedRows
    try await tx.query(
      """
      UPDATE erasures SET models_deleted = \(deleted)
      WHERE tenant_id = \(tenant) AND dataset_id = \(dataset) AND id = ANY(\(ended))
      """)
    try await record(ended, tenant, dataset: dataset, in: tx)
    return true
  }

  /// Whether labels that a training read, up to a count of changes, have been erased since.
  static func haveBeenErased(
    _ tenant: TenantID, dataset: Int, since changes: Int, in tx: some QueryExecutor
  ) async throws -> Bool {
    try await tx.query(
      """
      SELECT coalesce(max(label_changes) > \(changes), false) FROM erasures
      WHERE tenant_id = \(tenant) AND dataset_id = \(dataset)
      """
    ).single().decode(Bool.self)
  }

  /// Records the end of erasures in the audit log, each by the key that requested it.
  static func record(_ ids: [Int], _ tenant: TenantID, dataset: Int, in tx: Transaction) async throws {
    let ended = try await tx.query(
      """
      SELECT e.id, e.key_id, e.subject, e.hash, e.state, e.labels_deleted, e.predictions_deleted, e.models_deleted, d.name
      FROM erasures e JOIN datasets d ON d.tenant_id = e.tenant_id AND d.id = e.dataset_id
      WHERE e.tenant_id = \(tenant) AND e.dataset_id = \(dataset) AND e.id = ANY(\(ids)) ORDER BY e.id
      """
    ).map {
      try $0.decode(
        Int.self, Int?.self, String.self, Data.self, String.self, Int.self, Int.self, Int.self, String?.self)
    }
    for (id, key, subject, hash, state, labels, predictions, models, name) in ended {
      try await AuditLog.record(
        tenant, key.map { .key($0) } ?? .commandLine, .erasureFinished, "dataset \(name ?? "")",
        detail: """
          erasure \(id): \(subject) \(ErasureHash.text(hash)), \(state); labels \(labels), predictions \(predictions), \
          models \(models)
          """,
        in: tx)
    }
  }
}
