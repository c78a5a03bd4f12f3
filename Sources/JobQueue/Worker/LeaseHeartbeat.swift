import Foundation
import Logging
import PostgreSQL
import Synchronization

/// Renews the leases of a worker's jobs and stores their progress, on a thread and a connection of its own, so that neither
/// computing handlers nor an exhausted pool delay a renewal.
actor LeaseHeartbeat {
  private struct State {
    var controls: [UUID: JobControl] = [:]
    var isUrgent = false
    var isStopped = false
  }

  private let queue: JobQueue
  private let configuration: ConnectionConfiguration
  /// The time limit of a renewal and of connecting for one.
  private let limit: Duration
  private let thread: DedicatedThread
  private let state = Mutex(State())
  private var connection: Connection?

  /// The interval at which progress is collected.
  private static let tick: Duration = .milliseconds(500)

  init(_ queue: JobQueue, connection: ConnectionConfiguration, thread: DedicatedThread) {
    self.queue = queue
    self.thread = thread
    var configuration = connection
    // A renewal that hangs, the next connection and the next renewal fit into a lease, with a quarter to spare.
    limit = queue.configuration.lease / 4
    configuration.connectTimeout = limit
    configuration.cancelTimeout = min(.milliseconds(100), limit / 10)
    self.configuration = configuration
  }

  nonisolated func add(_ control: JobControl) {
    state.withLock { $0.controls[control.lease.token] = control }
  }

  nonisolated func remove(_ control: JobControl) { state.withLock { $0.controls[control.lease.token] = nil } }

  /// Renews at once: a job may have been cancelled.
  nonisolated func renewNow() {
    state.withLock { $0.isUrgent = true }
    thread.interrupt()
  }

  nonisolated func stop() {
    state.withLock { $0.isStopped = true }
    thread.interrupt()
  }

  /// Renews until ``stop()``. Must run in a task that prefers the thread.
  func run() async {
    var last = ContinuousClock.now
    let interval = queue.configuration.lease / 4
    while true {
      let (controls, isUrgent, isStopped) = state.withLock { state in
        defer { state.isUrgent = false }
        return (Array(state.controls.values), state.isUrgent, state.isStopped)
      }
      if isStopped { break }
      let renewals = controls.map { LeaseRenewal(lease: $0.lease, progress: $0.takeProgress()) }
      let isDue =
        isUrgent || ContinuousClock.now - last >= interval || renewals.contains { $0.progress != nil }
      if isDue, !renewals.isEmpty, await renew(controls, renewals) { last = .now }
      await withCheckedContinuation { thread.resume($0, after: min(Self.tick, interval)) }
    }
    await connection?.close()
  }

  private func renew(_ controls: [JobControl], _ renewals: [LeaseRenewal]) async -> Bool {
    do {
      let results = try await openConnection().transaction(setup: queue.setup, within: limit) {
        try await queue.renew(renewals, in: $0)
      }
      for (control, result) in zip(controls, results) { apply(result, to: control) }
      return true
    } catch {
      queue.logger.warning("lease heartbeat failed", metadata: ["error": "\(error)"])
      for (control, renew) in zip(controls, renewals) { control.restore(renew.progress) }
      connection?.abort()
      connection = nil
      return false
    }
  }

  private func openConnection() async throws -> Connection {
    if let connection, !connection.isClosed { return connection }
    let opened = try await Connection.connect(configuration, logger: queue.logger)
    connection = opened
    return opened
  }

  private func apply(_ result: RenewalResult, to control: JobControl) {
    switch result {
    case .renewed: break
    case .cancelRequested: control.stop(.cancelRequested)
    case .lost:
      // The job may have ended since the list was read.
      guard !control.isFinished, state.withLock({ $0.controls[control.lease.token] != nil }) else { return }
      control.stop(.leaseLost)
    }
  }
}
