import Foundation
package import JobQueue
import Learning
import PostgreSQL

/// Decides whether a dataset's policy wants a training: after each change of its labels, when the policy changes, when a
/// training has ended, and for what these have missed (``MissedTrainings``); each time in the transaction of what led to it.
///
/// At most one automatic training waits for a dataset: while one is queued, further changes only bring it forward.
/// The decision and the job are rows of the database, so that a restart forgets neither.
package struct AutoTraining: Sendable {
  private let queue: JobQueue

  /// Trainings go into `queue`.
  package init(queue: JobQueue) {
    self.queue = queue
  }

  /// Queues a training after a change of labels if the dataset's policy wants one.
  ///
  /// - Parameter counts: the dataset's counts after the change.
  /// - Returns: the waiting job, if there is one now: it will read the changed labels.
  func changed(
    _ tenant: TenantID, _ dataset: Dataset, counts: LabelCounts, in tx: Transaction
  ) async throws -> Int? {
    guard dataset.settings.autoTrain.enabled else { return nil }
    let backlog = try await TrainingBacklog.read(tenant, dataset: dataset.id, in: tx)
    guard let delay = backlog.delay(counts, dataset.settings.autoTrain) else {
      guard backlog.isWaiting else { return nil }
      return try await queue.waiting(tenant: tenant.rawValue, subject: Int64(dataset.id), in: tx).map {
        Int($0.id)
      }
    }
    let job = try await queue.enqueue(new(tenant, dataset.id, dataset.settings.training, delay), in: tx)
    return Int(job.id)
  }

  /// Brings the waiting training into line with the policy and with what has not been trained on: queues it, sets its time
  /// and parameters, or calls it off. The caller has locked the dataset's row.
  ///
  /// - Parameters:
  ///   - training: the parameters that it shall have.
  ///   - reason: what one that is called off shows as its error.
  func reconsider(
    _ tenant: TenantID, dataset: Int, _ policy: AutoTrain, _ training: TrainingParameters,
    _ reason: JobErrorRecord, in tx: Transaction
  ) async throws {
    let subject = Int64(dataset)
    // Whoever joins it from here on waits for this transaction, and whoever has joined it is counted below.
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
  /// The dataset's policy does not want the training any more.
  static let policyChanged = JobErrorRecord(
    type: "cancelled", detail: "The dataset's auto_train was changed, and nothing is due by it.")
}
