import JobQueue
import PostgreSQL

/// The progress of a dataset's trainings: which changes the models include, and which ones a running training reads.
struct TrainingBacklog: Sendable, Equatable {
  /// The change count that the newest model includes.
  var trained: Int
  /// The change count that the running training reads, or that the last failed one read.
  var reading: Int
  /// Whether a training is running.
  var isRunning: Bool
  /// Whether the running training has recorded its change count. Until then it is unknown whether it reads the latest
  /// changes.
  var hasNoted: Bool
  /// Whether an automatic training is queued.
  var isWaiting: Bool

  /// Whether the pending changes are known.
  var isKnown: Bool { !isRunning || hasNoted }

  /// Returns the delay after which the policy requires a training; `nil` if it requires none, or if that is not known
  /// yet.
  ///
  /// - Parameter counts: the dataset's current counts.
  func delay(_ counts: LabelCounts, _ policy: AutoTrain) -> Duration? {
    guard isKnown, TrainingJobs.insufficientLabelsDetail(counts) == nil else { return nil }
    let pending = counts.changes - (isRunning ? max(trained, reading) : trained)
    if pending >= policy.minNewLabels { return .zero }
    return pending > 0 && policy.maxDelaySeconds > 0 ? .seconds(policy.maxDelaySeconds) : nil
  }

  static func read(_ tenant: TenantID, dataset: Int, in tx: Transaction) async throws -> TrainingBacklog {
    let (trained, reading, isRunning, hasNoted, isWaiting) = try await tx.query(
      """
      SELECT d.trained_changes, d.reading_changes, r.id IS NOT NULL, r.started_at IS NOT DISTINCT FROM d.reading_began,
             EXISTS (
               SELECT FROM jobs q WHERE q.tenant_id = d.tenant_id AND q.kind = \(TrainingJobs.kind) AND q.subject = d.id
                 AND q.state = 'queued' AND q.coalesced)
      FROM datasets d
      LEFT JOIN jobs r
        ON r.tenant_id = d.tenant_id AND r.kind = \(TrainingJobs.kind) AND r.subject = d.id AND r.state = 'running'
      WHERE d.tenant_id = \(tenant) AND d.id = \(dataset)
      """
    ).single().decode(Int.self, Int.self, Bool.self, Bool.self, Bool.self)
    return TrainingBacklog(
      trained: trained, reading: reading, isRunning: isRunning, hasNoted: hasNoted, isWaiting: isWaiting)
  }

  /// Records that a running training reads all changes so far, so that they do not enqueue another one.
  static func note(_ tenant: TenantID, job: Job, in tx: Transaction) async throws {
    try await tx.query(
      """
      UPDATE datasets d SET
        reading_changes = (
          SELECT coalesce(sum(c.changes), 0) FROM label_counts c
          WHERE c.tenant_id = d.tenant_id AND c.dataset_id = d.id),
        reading_began = (SELECT j.started_at FROM jobs j WHERE j.tenant_id = d.tenant_id AND j.id = \(job.id))
      WHERE d.tenant_id = \(tenant) AND d.id = \(Int(job.subject))
      """)
  }

  /// Records that the changes so far enqueue no training by themselves, since the training for them was cancelled.
  static func giveUp(_ tenant: TenantID, dataset: Int, in tx: Transaction) async throws {
    try await tx.query(
      """
      UPDATE datasets d SET reading_changes = (
        SELECT coalesce(sum(c.changes), 0) FROM label_counts c
        WHERE c.tenant_id = d.tenant_id AND c.dataset_id = d.id)
      WHERE d.tenant_id = \(tenant) AND d.id = \(dataset)
      """)
  }
}
