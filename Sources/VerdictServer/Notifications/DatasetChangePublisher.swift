import VerdictCore

/// Makes a committed change of a dataset effective on every server before its request is answered.
struct DatasetChangePublisher: Sendable {
  /// The datasets in this server's memory.
  let served: ServedDatasets
  /// Waits for the other servers.
  let barrier: ChangeBarrier

  /// Returns when no server uses the dataset's earlier state any more.
  func publish(_ tenant: TenantID, _ dataset: String) async {
    served.invalidate(tenant, named: dataset)
    await barrier.wait()
  }
}
