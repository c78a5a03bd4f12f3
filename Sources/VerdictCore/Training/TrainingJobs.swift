package import Foundation
package import JobQueue
package import Learning
package import PostgreSQL

/// The training jobs of datasets: enqueueing, reading, listing, cancelling.
package struct TrainingJobs: Sendable {
  /// The kind of trainings in the queue.
  package static let kind = "training"

  /// The smallest number of labels of each class that can be split into training and validation rows.
  package static let minimumPerClass = 2

  private let database: Database
  private let datasets: DatasetStore
  private let queue: JobQueue

  /// Creates the store for jobs of `queue` and datasets in `database`.
  package init(database: Database, queue: JobQueue) {
    self.database = database
    self.datasets = DatasetStore(database: database)
    self.queue = queue
  }

  /// Enqueues a training on all labels stored when it starts, in the caller's transaction.
  ///
  /// - Parameter parameters: returns the job's parameters for the dataset's defaults.
  /// - Throws: ``DomainError/notFound(what:)``, ``DomainError/tooFewLabels(detail:)``, ``DomainError/invalid(problems:)`` for names of
  ///   features that the dataset does not have, ``DomainError/quotaExceeded(_:maximum:present:)``, and errors of `parameters`.
  package func request(
    _ tenant: TenantID, dataset name: String, in tx: Transaction,
    parameters: @Sendable (TrainingParameters) throws -> TrainingParameters
  ) async throws -> Job {
    // First, since the tenant's row is locked before those of its datasets.
    try await Quotas.admitOneMore(.queuedJobs, tenant, in: tx)
    let dataset = try await datasets.dataset(tenant, named: name, lock: .keyShare, in: tx)
    let parameters = try parameters(dataset.settings.training)
    let problems = parameters.additive.problems(with: dataset.featureTypes, at: "")
    guard problems.isEmpty else { throw DomainError.invalid(problems: problems) }
    let counts = try await LabelCounting.counts(tenant, dataset: dataset.id, in: tx)
    if let detail = Self.insufficientLabelsDetail(counts) { throw DomainError.tooFewLabels(detail: detail) }
    return try await queue.enqueue(
      NewJob(
        tenant: tenant.rawValue, subject: Int64(dataset.id), origin: TrainingTrigger.manual.rawValue,
        parameters: try JSONB(parameters)),
      in: tx)
  }

  /// The reason why these labels cannot be trained on; `nil` if they can.
  static func insufficientLabelsDetail(_ counts: LabelCounts) -> String? {
    guard counts.positives < minimumPerClass || counts.negatives < minimumPerClass else { return nil }
    return """
      a training needs at least \(minimumPerClass) labels of each outcome; stored are \(counts.positives) with \
      label 1 and \(counts.negatives) with label 0
      """
  }

  /// Returns one job of a dataset.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  package func job(_ tenant: TenantID, dataset name: String, id: Int) async throws -> Job {
    try await database.read(for: tenant) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      return try await job(tenant, dataset: dataset, id: id, in: tx)
    }
  }

  /// Returns the jobs of a dataset, newest first, with ids below `cursor`, at most `limit`.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  package func list(
    _ tenant: TenantID, dataset name: String, before cursor: Int?, limit: Int
  ) async throws -> [Job] {
    try await database.read(for: tenant) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      return try await queue.jobs(
        tenant: tenant.rawValue, subject: Int64(dataset.id), before: cursor.map(Int64.init), limit: limit,
        in: tx)
    }
  }

  /// Cancels a job in the caller's transaction: a queued job at once, a running one at its next check.
  ///
  /// - Throws: ``DomainError/notFound(what:)``, ``DomainError/jobFinished(id:state:)``.
  package func cancel(_ tenant: TenantID, dataset name: String, id: Int, in tx: Transaction) async throws
    -> Job
  {
    let dataset = try await datasets.dataset(tenant, named: name, in: tx)
    let job = try await job(tenant, dataset: dataset, id: id, in: tx)
    if job.state == .queued, job.origin == TrainingTrigger.auto.rawValue {
      try await TrainingBacklog.discardPending(tenant, dataset: dataset.id, in: tx)
    }
    do {
      return try await queue.cancel(tenant: tenant.rawValue, id: Int64(id), in: tx)
    } catch JobQueueError.alreadyFinished(let state) {
      throw DomainError.jobFinished(id: id, state: state.rawValue)
    }
  }

  private func job(_ tenant: TenantID, dataset: Dataset, id: Int, in tx: Transaction) async throws -> Job {
    guard
      let job = try await queue.job(tenant: tenant.rawValue, id: Int64(id), in: tx),
      job.subject == Int64(dataset.id)
    else { throw DomainError.notFound(what: "training job \(id)") }
    return job
  }
}

extension JobQueue.Channels {
  /// The channels of Verdict's jobs; servers and workers of all versions use the same.
  package static let verdict = JobQueue.Channels(wake: "verdict_jobs", events: "verdict_job_events")
}
