import PostgreSQL

/// The changes of a transaction to labels, which its last step records.
struct LabelChange: Sendable {
  /// The change of the dataset's counts.
  var counts = CountChange()
  /// The change of the confusion matrices of the versions whose predictions the labels confirm or refute.
  var live = LiveChange()

  /// Adds another change of the same transaction.
  mutating func add(_ other: LabelChange) {
    counts.add(other.counts)
    live.add(other.live)
  }

  /// Records the changes, in the same order in all transactions, and decides whether a training is due.
  ///
  /// - Parameter gates: the database in which live gates are evaluated after the transaction, if that takes long; without it they
  ///   are evaluated at once.
  /// - Returns: the dataset's counts afterwards, and the automatic training that is queued, if any.
  func settle(
    _ tenant: TenantID, _ dataset: Dataset, _ autoTraining: AutoTraining, gates: Database? = nil,
    in tx: Transaction
  ) async throws -> (counts: LabelCounts, job: Int?) {
    try await LiveCounting.add(live, tenant, dataset, gates: gates, in: tx)
    let counts = try await LabelCounting.add(counts, tenant, dataset: dataset.id, in: tx)
    return (counts, try await autoTraining.changed(tenant, dataset, counts: counts, in: tx))
  }
}
