import Foundation
import Logging
import PostgreSQL
import Synchronization

/// Renews the leases of a worker's jobs and stores their progress, on a thread and a connection of its own: neither the
/// handlers' computing nor a pool that everybody else has drained can make a living worker look dead.
actor LeaseHeartbeat {
  private struct State {
    var controls: [UUID: JobControl] = [:]
    var isUrgent = false
    var isStopped = false
  }

  private let queue: JobQueue
  private let configuration: ConnectionConfiguration
  /// How long a beat, or connecting for one, may take.
  private let limit: Duration
  private let thread: DedicatedThread
  private let state = Mutex(State())
  private var connection: Connection?

  /// Progress is looked at this often.
  private static let tick: Duration = .milliseconds(500)

  init(_ queue: JobQueue, connection: ConnectionConfiguration, thread: DedicatedThread) {
    self.queue = queue
    self.thread = thread
    var configuration = connection
    // A beat that hangs, the next connection and the next beat fit into a lease, with room to spare.
    limit = queue.configuration.lease / 4
    configuration.connectTimeout = limit
    configuration.cancelTimeout = min(.milliseconds(100), limit / 10)
    self.configuration = configuration
  }

  nonisolated func add(_ control: JobControl) {
    state.withLock { $0.controls[control.lease.token] = control }
  }

  nonisolated func remove(_ control: JobControl) { state.withLock { $0.controls[control.lease.token] = nil } }

  /// Beats at once: a job may have been cancelled.
  nonisolated func renewNow() {
    state.withLock { $0.isUrgent = true }
    thread.interrupt()
  }

  nonisolated func stop() {
    state.withLock { $0.isStopped = true }
    thread.interrupt()
  }

  /// Beats until ``stop()``. To be run by a task that prefers the thread.
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
      let results = try await alive().transaction(setup: queue.setup, within: limit) {
        try await queue.renew(renewals, in: $0)
      }
      for (control, result) in zip(controls, results) { tell(control, result) }
      return true
    } catch {
      queue.logger.warning("a heartbeat failed", metadata: ["error": "\(error)"])
      for (control, renew) in zip(controls, renewals) { control.restore(renew.progress) }
      // Whatever it still waits for.
      connection?.abort()
      connection = nil
      return false
    }
  }

  private func alive() async throws -> Connection {
    if let connection, !connection.isClosed { return connection }
    let opened = try await Connection.connect(configuration, logger: queue.logger)
    connection = opened
    return opened
  }

  private func tell(_ control: JobControl, _ result: RenewalResult) {
    switch result {
    case .renewed: break
    case .cancelRequested: control.stop(.cancelRequested)
    case .lost:
      // A job that ended between the look at the list and the beat is no loss.
      guard !control.isFinished, state.withLock({ $0.controls[control.lease.token] != nil }) else { return }
      control.stop(.leaseLost)
    }
  }
}
