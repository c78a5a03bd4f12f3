import Foundation
import JobQueue
import Logging
import PostgreSQL

/// The work of one erasure, in short transactions. Each of them locks the erasure's row, so that one process works on it at a time,
/// and stores the numbers of the rows that it removes. Whatever dies, the next process goes on where the last transaction ended.
///
/// 1. Predictions with the subject, and the labels made of them, are removed; then labels with the subject; then kept responses.
///    Rows that arrive meanwhile are removed as far as the passes still meet them. Each pass ends with a step that is not full.
/// 2. The subject's value is removed from the erasure. Without a training, the erasure has succeeded.
/// 3. A training is queued, or joined if one waits for another erasure. Its transaction ends the erasure (``ErasureTraining``); the
///    end of a training without a model is found here.
struct ErasureWork: Sendable {
  /// The largest number of rows that a transaction removes.
  static let rowsPerStep = 1_000
  /// The largest number of kept responses that a transaction removes.
  static let answersPerStep = 200

  private let database: Database
  private let datasets: DatasetStore
  private let queue: JobQueue
  private let tenant: TenantID
  private let dataset: Int
  private let id: Int
  private let rowsPerStep: Int
  /// The last key of the last step of kept responses.
  private var lastAnswer = ""
  /// Whether the passes have ended.
  private var isRemoved = false

  /// The work of an erasure.
  init(
    _ tenant: TenantID, dataset: Int, id: Int, in database: Database, rowsPerStep: Int = Self.rowsPerStep
  ) {
    self.database = database
    self.datasets = DatasetStore(database: database)
    var configuration = JobQueue.Configuration()
    configuration.channels = .verdict
    queue = JobQueue(
      pool: database.pool, kind: TrainingJobs.kind, configuration: configuration,
      logger: Logger(label: "verdict.erasures") { _ in SwiftLogNoOpLogHandler() })
    self.tenant = tenant
    self.dataset = dataset
    self.id = id
    self.rowsPerStep = rowsPerStep
  }

  /// The erasure's row.
  private struct Record {
    var subject: ErasureSubject?
    var retrain: Bool
    var job: Int?
  }

  /// Works until the erasure has ended, waits for its training, or belongs to another process.
  ///
  /// - Throws: ``PostgreSQLError``; a repetition goes on.
  mutating func run() async throws {
    while true {
      let start = ContinuousClock.now
      guard try await step() else { return }
      try Task.checkCancellation()
      // The removal takes a third of the time of one connection, and leaves the rest to requests.
      try await Task.sleep(for: min((ContinuousClock.now - start) * 2, .milliseconds(500)))
    }
  }

  /// Runs one transaction.
  ///
  /// - Returns: whether another one follows.
  mutating func step() async throws -> Bool {
    let work = self
    if isRemoved {
      return try await database.transaction(for: tenant) { tx in
        guard let record = try await work.lock(in: tx), record.subject != nil else { return false }
        try await work.end(record, in: tx)
        return false
      }
    }
    let progress = try await database.transaction(for: tenant) { tx -> (isFull: Bool, lastAnswer: String)? in
      guard let record = try await work.lock(in: tx) else { return nil }
      guard let subject = record.subject else {
        try await work.settleTraining(record, in: tx)
        return nil
      }
      return try await work.remove(subject, in: tx)
    }
    guard let progress else { return false }
    lastAnswer = progress.lastAnswer
    isRemoved = !progress.isFull
    return true
  }

  /// Locks the erasure's row; `nil` if it has ended or another process works on it.
  private func lock(in tx: Transaction) async throws -> Record? {
    let row = try await tx.pipeline([
      // A row that a request holds for long is met by the next attempt.
      "SET LOCAL lock_timeout = 2000",
      """
      SELECT subject, value, retrain, job_id FROM erasures
      WHERE tenant_id = \(tenant) AND dataset_id = \(dataset) AND id = \(id) AND finished_at IS NULL
      FOR UPDATE SKIP LOCKED
      """,
    ]).last?.first
    guard
      let (kind, value, retrain, job) = try row?.decode(String.self, String?.self, Bool.self, Int?.self)
    else { return nil }
    return Record(
      subject: value.map { ErasureSubject(ErasureSubject.Kind(rawValue: kind) ?? .reference, $0) },
      retrain: retrain, job: job)
  }

  /// Removes the next rows of a subject.
  ///
  /// - Returns: whether more are left, and the position in the kept responses.
  private func remove(_ subject: ErasureSubject, in tx: Transaction) async throws -> (
    isFull: Bool, lastAnswer: String
  )? {
    let dataset: Dataset
    do {
      dataset = try await datasets.lock(
        tenant, datasets.dataset(tenant, id: self.dataset, in: tx), in: tx)
    } catch DomainError.notFound {
      // The dataset was deleted, and the erasure goes with its rows.
      return nil
    }
    var (predictions, change, isFull) = (0, LabelChange(), false)
    if let condition = Self.predictions(of: subject) {
      let ids = try await PredictionDeletion.lock(
        tenant, dataset.id, where: condition, limit: rowsPerStep, in: tx)
      isFull = ids.count == rowsPerStep
      if !ids.isEmpty {
        (predictions, change) = try await PredictionDeletion.remove(
          ids, tenant, dataset: dataset.id, withLabels: true, erasing: true, waiting: LabelIngest.patience,
          in: tx)
      }
    }
    if !isFull {
      let removed = try await removeLabels(subject, in: tx)
      change.add(removed.change)
      isFull = removed.isFull
    }
    let answers = try await isFull ? (count: 0, last: lastAnswer) : removeAnswers(of: dataset, in: tx)
    var changes: Int?
    if change.counts.changes > 0 {
      changes = try await change.settle(
        tenant, dataset, AutoTraining(queue: queue), gates: database, in: tx
      ).counts.changes
    }
    try await tx.query(
      """
      UPDATE erasures SET state = 'running', started_at = coalesce(started_at, now()),
        predictions_deleted = predictions_deleted + \(predictions),
        labels_deleted = labels_deleted + \(change.counts.changes),
        answers_deleted = answers_deleted + \(answers.count), label_changes = coalesce(\(changes), label_changes)
      WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND id = \(id)
      """)
    if predictions > 0 { try await tx.query(PredictionCounting.add(-predictions, tenant)) }
    return (isFull || answers.count == Self.answersPerStep, answers.last)
  }

  /// The condition on predictions `p`; `nil` for a property that predictions do not have.
  private static func predictions(of subject: ErasureSubject) -> Query? {
    switch subject {
    case .reference(let value): " AND p.reference = \(value)"
    case .group(let value): " AND p.group_name = \(value)"
    case .key: nil
    }
  }

  private func removeLabels(
    _ subject: ErasureSubject, in tx: Transaction
  ) async throws -> (change: LabelChange, isFull: Bool) {
    let condition: Query =
      switch subject {
      case .reference(let value): " AND l.reference = \(value)"
      case .group(let value): " AND l.group_name = \(value)"
      case .key(let value): " AND l.key = \(value)"
      }
    let ids = try await tx.query(
      "SELECT l.id FROM labels l WHERE l.tenant_id = \(tenant) AND l.dataset_id = \(dataset)" + condition
        + " ORDER BY l.id LIMIT \(rowsPerStep)"
    ).map { try $0.decode(Int.self) }
    guard !ids.isEmpty else { return (LabelChange(), false) }
    try await LabelIngest.lockOrder(
      tenant, dataset: dataset, exclusive: true, within: LabelIngest.patience, in: tx)
    // An upload may have replaced a row in the meantime.
    let change = try await LabelStore.remove(
      tenant, dataset: dataset, where: " l.id = ANY(\(ids))" + condition, erasing: true, in: tx)
    return (change, ids.count == rowsPerStep)
  }

  /// Removes the next kept responses about rows of the dataset (``Idempotency/erase(_:of:after:limit:in:)``).
  private func removeAnswers(of dataset: Dataset, in tx: Transaction) async throws -> (
    count: Int, last: String
  ) {
    let keys = try await Idempotency.erase(
      tenant, of: dataset, after: lastAnswer, limit: Self.answersPerStep, in: tx)
    return (keys.count, keys.last ?? lastAnswer)
  }

  /// Ends the removal: forgets the value, and ends the erasure or begins its training.
  private func end(_ record: Record, in tx: Transaction) async throws {
    var job: Int?
    if record.retrain {
      do {
        job = try await ErasureTraining.enqueue(tenant, dataset: dataset, queue, in: tx)
      } catch DomainError.notFound {
        // The dataset was deleted, and the erasure goes with its rows.
        return
      }
    }
    try await tx.query(
      """
      UPDATE erasures SET value = NULL, removed_at = clock_timestamp(), job_id = \(job),
        state = CASE WHEN retrain THEN 'running' ELSE 'succeeded' END,
        finished_at = CASE WHEN retrain THEN NULL ELSE clock_timestamp() END
      WHERE tenant_id = \(tenant) AND dataset_id = \(dataset) AND id = \(id)
      """)
    if !record.retrain {
      try await ErasureTraining.record([id], tenant, dataset: dataset, in: tx)
    }
  }

  /// Ends the erasure if its training has ended without ending it.
  private func settleTraining(_ record: Record, in tx: Transaction) async throws {
    guard let number = record.job else { return }
    let job = try await queue.job(tenant: tenant.rawValue, id: Int64(number), in: tx)
    switch job?.state {
    case .queued, .running: return
    case .succeeded:
      // A server that does not know erasures has trained.
      let version = try job?.result?.decode(TrainingOutcome.self).modelVersion
      if let version,
        try await ErasureTraining.finish(tenant, dataset: dataset, job: number, version: version, in: tx)
      {
        return
      }
      try await fail(type: "model-deleted", "The model of training job \(number) no longer exists.", in: tx)
    case .failed, .cancelled, nil:
      try await fail(
        type: job?.error?.type ?? "job-deleted",
        job?.error?.detail ?? "Training job \(number) no longer exists.", in: tx)
    }
  }

  private func fail(type: String, _ detail: String, in tx: Transaction) async throws {
    try await tx.query(
      """
      UPDATE erasures SET state = 'failed', finished_at = clock_timestamp(),
        error = \(try JSONB(Erasure.Failure(type: type, detail: detail)))
      WHERE tenant_id = \(tenant) AND dataset_id = \(dataset) AND id = \(id)
      """)
    try await ErasureTraining.record([id], tenant, dataset: dataset, in: tx)
  }
}
