import PostgreSQL

/// All that a transaction makes different by changing labels, to be accounted for as its last step.
struct LabelChange: Sendable {
  /// The dataset's labels.
  var counts = CountChange()
  /// The confusion matrices of the versions whose predictions they label.
  var live = LiveChange()

  /// Writes the difference down, in the order that all transactions keep, and asks whether a training is due.
  ///
  /// - Returns: the dataset's counts after it, and the automatic training that waits now.
  func settle(
    _ tenant: TenantID, _ dataset: Dataset, _ autoTraining: AutoTraining, in tx: Transaction
  ) async throws -> (counts: LabelCounts, job: Int?) {
    try await LiveCounting.add(live, tenant, dataset, in: tx)
    let counts = try await LabelCounting.add(counts, tenant, dataset: dataset.id, in: tx)
    return (counts, try await autoTraining.changed(tenant, dataset, counts: counts, in: tx))
  }
}
