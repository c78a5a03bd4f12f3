import Foundation
package import JobQueue
import Learning
import PostgreSQL

/// Decides whether a dataset's policy requires a training: after each change of its labels, when the policy changes,
/// when a training has ended, and for cases that these missed (``MissedTrainings``). Each decision runs in the
/// transaction that caused it.
///
/// At most one automatic training is queued per dataset; further changes only reschedule it. The decision and the job
/// are rows of the database, so that both survive a restart.
package struct AutoTraining: Sendable {
  /// The queue of trainings.
  let queue: JobQueue

  /// Enqueues trainings in `queue`.
  package init(queue: JobQueue) {
    self.queue = queue
  }

  /// Enqueues a training after a change of labels if the dataset's policy requires one.
  ///
  /// - Parameter counts: the dataset's counts after the change.
  /// - Returns: the id of the queued job, if any, which will read the changed labels.
  func changed(
    _ tenant: TenantID, _ dataset: Dataset, counts: LabelCounts, in tx: Transaction
  ) async throws -> Int? {
    guard dataset.settings.autoTrain.enabled else { return nil }
    let (backlog, policy, training) = try await TrainingBacklog.join(
      tenant, dataset: dataset.id, queue, in: tx)
    guard policy.enabled else { return nil }
    guard let delay = backlog.delay(counts, policy) else {
      guard backlog.isWaiting else { return nil }
      return try await queue.join(tenant: tenant.rawValue, subject: Int64(dataset.id), in: tx).map {
        Int($0.id)
      }
    }
    let job = try await queue.enqueue(new(tenant, dataset.id, training, delay), in: tx)
    return Int(job.id)
  }

  /// Reconciles the queued training with the policy and the pending changes: enqueues it, updates its time and
  /// parameters, or cancels it. The caller must have locked the dataset's row.
  ///
  /// - Parameters:
  ///   - training: the parameters of the job.
  ///   - reason: the error of a cancelled job.
  func reconsider(
    _ tenant: TenantID, dataset: Int, _ policy: AutoTrain, _ training: TrainingParameters,
    _ reason: JobErrorRecord, in tx: Transaction
  ) async throws {
    let subject = Int64(dataset)
    // Transactions that join the job from here on wait for this one, and those that have joined it are counted below.
    let waiting = try await queue.waiting(tenant: tenant.rawValue, subject: subject, in: tx)
    var delay: Duration?
    if policy.enabled {
      let backlog = try await TrainingBacklog.read(tenant, dataset: dataset, in: tx)
      guard backlog.isKnown else { return }
      delay = backlog.delay(try await LabelCounting.counts(tenant, dataset: dataset, in: tx), policy)
    }
    if let delay {
      try await queue.enqueue(new(tenant, dataset, training, delay), reschedules: true, in: tx)
    } else if waiting != nil {
      try await queue.cancelWaiting(tenant: tenant.rawValue, subject: subject, reason, in: tx)
    }
  }

  private func new(
    _ tenant: TenantID, _ dataset: Int, _ training: TrainingParameters, _ delay: Duration
  ) throws -> NewJob {
    NewJob(
      tenant: tenant.rawValue, subject: Int64(dataset), origin: TrainingTrigger.auto.rawValue,
      parameters: try JSONB(training), delay: delay, coalesce: true)
  }
}

extension JobErrorRecord {
  /// The dataset's policy no longer requires the training.
  static let policyChanged = JobErrorRecord(
    type: "cancelled", detail: "The dataset's auto_train was changed and no longer requires this training.")
}
