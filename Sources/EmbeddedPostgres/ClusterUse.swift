/// One user of the running cluster: a server, or a command for its short time. The last one to leave stops it.
struct ClusterUse: Sendable {
  fileprivate let cluster: Cluster
  private let share: FileLock

  /// Starts or finds the server and becomes one of its users.
  static func begin(_ cluster: Cluster) async throws -> (use: ClusterUse, address: ClusterAddress) {
    let directory = cluster.directory
    let transition = try await FileLock.acquire(directory.transitionLock, .exclusive)
    defer { transition.release() }
    let share = try await FileLock.acquire(directory.usersLock, .shared)
    do {
      return (ClusterUse(cluster: cluster, share: share), try await cluster.ensureRunning())
    } catch {
      // A start that was cancelled half-way leaves a server behind.
      try? await Task { try await leave(cluster, share) }.value
      throw error
    }
  }

  /// Leaves; stops the server if nobody else uses it. Runs to its end also when the task is cancelled, as it is when a
  /// server is told to stop.
  func end() async throws {
    try await Task {
      let directory = cluster.directory
      let transition = try await FileLock.acquire(directory.transitionLock, .exclusive)
      defer { transition.release() }
      try await Self.leave(cluster, share)
    }.value
  }

  /// Gives the share back, and stops the server if nobody else has one. Under the transition lock.
  private static func leave(_ cluster: Cluster, _ share: FileLock) async throws {
    share.release()
    guard let alone = try FileLock.attempt(cluster.directory.usersLock, .exclusive) else { return }
    defer { alone.release() }
    try await cluster.stop()
  }

  /// The server if it has died since: started again. Excludes a command's start and stop at the same time.
  func ensureRunning() async throws {
    let transition = try await FileLock.acquire(cluster.directory.transitionLock, .exclusive)
    defer { transition.release() }
    _ = try await cluster.ensureRunning()
  }
}

extension ClusterUse {
  /// No process serves the data directory.
  var isServerGone: Bool {
    if case .absent = Postmaster.state(of: cluster.directory.data) { true } else { false }
  }
}
