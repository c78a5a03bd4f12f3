/// One use of the running cluster, by a server or by a short command. The last use to end stops the cluster.
struct ClusterUse: Sendable {
  fileprivate let cluster: Cluster
  private let share: FileLock

  /// Starts or finds the server and registers a use of it.
  static func begin(_ cluster: Cluster) async throws -> (use: ClusterUse, address: ClusterAddress) {
    let directory = cluster.directory
    let transition = try await FileLock.acquire(directory.transitionLock, .exclusive)
    defer { transition.release() }
    let share = try await FileLock.acquire(directory.usersLock, .shared)
    do {
      return (ClusterUse(cluster: cluster, share: share), try await cluster.ensureRunning())
    } catch {
      // A start that was cancelled half-way leaves a running server.
      try? await Task { try await leave(cluster, share) }.value
      throw error
    }
  }

  /// Ends the use, and stops the server if there is no other. Completes even if the task is cancelled, as it is when a server
  /// shuts down.
  func end() async throws {
    try await Task {
      let directory = cluster.directory
      let transition = try await FileLock.acquire(directory.transitionLock, .exclusive)
      defer { transition.release() }
      try await Self.leave(cluster, share)
    }.value
  }

  /// Releases the shared lock, and stops the server if it was the last one. The caller holds the transition lock.
  private static func leave(_ cluster: Cluster, _ share: FileLock) async throws {
    share.release()
    guard let alone = try FileLock.attempt(cluster.directory.usersLock, .exclusive) else { return }
    defer { alone.release() }
    try await cluster.stop()
  }

  /// Restarts the server if it has died, excluding concurrent starts and stops by commands.
  func ensureRunning() async throws {
    let transition = try await FileLock.acquire(cluster.directory.transitionLock, .exclusive)
    defer { transition.release() }
    _ = try await cluster.ensureRunning()
  }
}

extension ClusterUse {
  /// Whether no process serves the data directory.
  var isServerGone: Bool {
    if case .absent = Postmaster.state(of: cluster.directory.data) { true } else { false }
  }
}
