import Foundation
import JobQueue
import Learning
import PostgreSQL

/// The label changes of a dataset that are in a model, are being read by a training, or have a training waiting for them.
struct TrainingBacklog: Sendable, Equatable {
  /// The count of changes that the newest model was trained on.
  var trained: Int
  /// The count of changes that the running training reads, or that the last attempt read.
  var reading: Int
  /// Whether a training runs.
  var isRunning: Bool
  /// Whether the running training has noted what it reads. Before that it is unknown whether it reads a change of just now.
  var hasRecordedReading: Bool
  /// Whether an automatic training waits.
  var isWaiting: Bool

  /// Whether the number of pending changes is known.
  var isKnown: Bool { !isRunning || hasRecordedReading }

  /// The delay after which a training is due by a policy; `nil` when none is, or while that is unknown.
  ///
  /// - Parameter counts: the dataset's current counts.
  func delay(_ counts: LabelCounts, _ policy: AutoTrain) -> Duration? {
    guard isKnown, TrainingJobs.insufficientLabelsDetail(counts) == nil else { return nil }
    let pending = counts.changes - (isRunning ? max(trained, reading) : trained)
    if pending >= policy.minNewLabels { return .zero }
    return pending > 0 && policy.maxDelaySeconds > 0 ? .seconds(policy.maxDelaySeconds) : nil
  }

  /// Reads a dataset's backlog in one round trip.
  ///
  /// The queue is read before the dataset: a training that ends in between is counted as running, and its model or its note
  /// as present. In the reverse order changes that it has read would count as pending.
  static func read(_ tenant: TenantID, dataset: Int, in tx: Transaction) async throws -> TrainingBacklog {
    let results = try await tx.pipeline([activity(tenant, dataset), changes(tenant, dataset)])
    let (trained, reading, readingBegan, _, _) = try results[1].single().decode(
      Int.self, Int.self, Date?.self, JSONB.self, JSONB.self)
    return TrainingBacklog(
      trained: trained, reading: reading, readingBegan, try JobQueue.SubjectActivity(results[0]))
  }

  /// Reads a dataset's backlog and policy in one round trip, before the caller's transaction joins the waiting training.
  ///
  /// A change of the policy and the end of a training decide about the waiting training in turns with transactions that join
  /// it (`JobQueue.waiting`): either they count the caller's changes, or the caller sees the new policy.
  static func join(
    _ tenant: TenantID, dataset: Int, _ queue: JobQueue, in tx: Transaction
  ) async throws -> (TrainingBacklog, AutoTrain, TrainingParameters) {
    let results = try await tx.pipeline([
      queue.joining(tenant: tenant.rawValue, subject: Int64(dataset)), activity(tenant, dataset),
      changes(tenant, dataset),
    ])
    let (trained, reading, readingBegan, policy, training) = try results[2].single().decode(
      Int.self, Int.self, Date?.self, JSONB.self, JSONB.self)
    let backlog = TrainingBacklog(
      trained: trained, reading: reading, readingBegan, try JobQueue.SubjectActivity(results[1]))
    return (
      backlog, try policy.decode(AutoTrain.self), try training.decode(TrainingParameters.self)
    )
  }

  private init(trained: Int, reading: Int, _ readingBegan: Date?, _ activity: JobQueue.SubjectActivity) {
    self.trained = trained
    self.reading = reading
    isRunning = activity.isRunning
    hasRecordedReading = activity.startedAt == readingBegan
    isWaiting = activity.isWaiting
  }

  private static func activity(_ tenant: TenantID, _ dataset: Int) -> Query {
    JobQueue.activity(tenant: tenant.rawValue, kind: TrainingJobs.kind, subject: Int64(dataset))
  }

  private static func changes(_ tenant: TenantID, _ dataset: Int) -> Query {
    """
    SELECT trained_changes, reading_changes, reading_began, auto_train, training FROM datasets
    WHERE tenant_id = \(tenant) AND id = \(dataset)
    """
  }

  /// Notes that a running training reads all changes so far, so that these ask for no other training.
  static func recordReading(_ tenant: TenantID, job: Job, in tx: Transaction) async throws {
    try await tx.query(
      """
      UPDATE datasets d SET
        reading_changes = (
          SELECT coalesce(sum(c.changes), 0) FROM label_counts c
          WHERE c.tenant_id = d.tenant_id AND c.dataset_id = d.id),
        reading_began = \(job.startedAt)
      WHERE d.tenant_id = \(tenant) AND d.id = \(Int(job.subject))
      """)
  }

  /// Notes that the changes so far alone ask for no training: the one that waited for them was cancelled.
  static func discardPending(_ tenant: TenantID, dataset: Int, in tx: Transaction) async throws {
    try await tx.query(
      """
      UPDATE datasets d SET reading_changes = (
        SELECT coalesce(sum(c.changes), 0) FROM label_counts c
        WHERE c.tenant_id = d.tenant_id AND c.dataset_id = d.id)
      WHERE d.tenant_id = \(tenant) AND d.id = \(dataset)
      """)
  }
}
