import JobQueue
import PostgreSQL

/// How far a dataset's trainings have come: which changes are in a model, or on their way into one.
struct TrainingBacklog: Sendable, Equatable {
  /// The count of changes that the newest model has read.
  var trained: Int
  /// The count of changes that the running training reads, or did when it was last tried.
  var reading: Int
  /// A training runs.
  var isRunning: Bool
  /// It has said what it reads. Until then nobody knows whether a change of just now is among that.
  var hasNoted: Bool
  /// An automatic training waits.
  var isWaiting: Bool

  /// Whether what is pending can be told.
  var isKnown: Bool { !isRunning || hasNoted }

  /// After how long a training is due by a policy; `nil` when none is, or when that cannot be told yet.
  ///
  /// - Parameter counts: the dataset's labels and changes now.
  func delay(_ counts: LabelCounts, _ policy: AutoTrain) -> Duration? {
    guard isKnown, TrainingJobs.reasonNotToTrain(counts) == nil else { return nil }
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

  /// Notes that a training that now runs reads all changes so far, so that they ask for no other one.
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

  /// Notes that nothing is to be queued for the changes so far alone: the training that waited for them was called off.
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
