import Foundation
public import JobQueue
import PostgreSQL

/// Decides after each change of a dataset's labels whether a training is due, in the transaction of the change.
///
/// At most one automatic training waits for a dataset: while one is queued, further changes only bring it forward.
/// The decision and the job are rows of the database, so that a restart forgets neither.
public struct AutoTraining: Sendable {
  private let queue: JobQueue

  /// Trainings go into `queue`.
  public init(queue: JobQueue) {
    self.queue = queue
  }

  /// Queues a training if the dataset's policy wants one.
  ///
  /// - Parameter counts: the dataset's counts after the change.
  /// - Returns: the waiting job, if there is one now.
  func changed(
    _ tenant: TenantID, _ dataset: Dataset, counts: LabelCounts, in tx: Transaction
  ) async throws -> Int? {
    let policy = dataset.autoTrain
    guard policy.enabled, TrainingJobs.reasonNotToTrain(counts) == nil else { return nil }
    // What a running training has read is on its way into a model.
    let trained = try await tx.query(
      """
      SELECT CASE WHEN EXISTS (
          SELECT FROM jobs
          WHERE tenant_id = d.tenant_id AND subject = d.id AND kind = \(TrainingJobs.kind) AND state = 'running')
        THEN greatest(trained_changes, reading_changes) ELSE trained_changes END
      FROM datasets d WHERE tenant_id = \(tenant) AND id = \(dataset.id)
      """
    ).single().decode(Int.self)
    let runAt: Date?
    if counts.changes - trained >= policy.minNewLabels {
      runAt = nil
    } else if policy.maxDelaySeconds > 0 {
      runAt = Date(timeIntervalSinceNow: TimeInterval(policy.maxDelaySeconds))
    } else {
      return nil
    }
    let job = try await queue.enqueue(
      NewJob(
        tenant: tenant.rawValue, subject: Int64(dataset.id), origin: TrainingTrigger.auto.rawValue,
        parameters: try JSONB(dataset.training), runAt: runAt, coalesce: true),
      in: tx)
    return Int(job.id)
  }
}
