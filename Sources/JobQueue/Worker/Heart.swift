import Foundation
import Logging
import PostgreSQL
import Synchronization

/// Renews the leases of a worker's jobs and stores their progress, on a thread and a connection of its own: neither the
/// handlers' computing nor a pool that everybody else has drained can make a living worker look dead.
final class Heart: Sendable {
  private struct State {
    var controls: [UUID: JobControl] = [:]
    var isUrgent = false
    var isStopped = false
  }

  private let queue: JobQueue
  private let configuration: ConnectionConfiguration
  private let thread: DedicatedThread
  private let state = Mutex(State())

  /// Progress is looked at this often.
  private static let tick: Duration = .milliseconds(500)

  init(_ queue: JobQueue, connection: ConnectionConfiguration, thread: DedicatedThread) {
    self.queue = queue
    self.thread = thread
    var configuration = connection
    configuration.connectTimeout = .seconds(5)
    configuration.statementTimeout = .seconds(5)
    self.configuration = configuration
  }

  func add(_ control: JobControl) { state.withLock { $0.controls[control.lease.token] = control } }

  func remove(_ control: JobControl) { state.withLock { $0.controls[control.lease.token] = nil } }

  /// Beats at once: a job may have been cancelled.
  func beatNow() {
    state.withLock { $0.isUrgent = true }
    thread.interrupt()
  }

  func stop() {
    state.withLock { $0.isStopped = true }
    thread.interrupt()
  }

  /// Beats until ``stop()``. To be run on the thread.
  func run() async {
    var connection: Connection?
    var last = ContinuousClock.now
    let interval = queue.configuration.lease / 4
    while true {
      let (controls, isUrgent, isStopped) = state.withLock { state in
        defer { state.isUrgent = false }
        return (Array(state.controls.values), state.isUrgent, state.isStopped)
      }
      if isStopped { break }
      let beats = controls.map { Beat(lease: $0.lease, progress: $0.takeProgress()) }
      let isDue = isUrgent || ContinuousClock.now - last >= interval || beats.contains { $0.progress != nil }
      if isDue, !beats.isEmpty {
        do {
          let open = try await alive(connection)
          connection = open
          let pulses = try await open.transaction(setup: [JobQueue.asWorker]) {
            try await queue.beat(beats, in: $0)
          }
          last = .now
          for (control, pulse) in zip(controls, pulses) { tell(control, pulse) }
        } catch {
          queue.logger.warning("a heartbeat failed", metadata: ["error": "\(error)"])
          for (control, beat) in zip(controls, beats) { control.restore(beat.progress) }
          await connection?.close()
          connection = nil
        }
      }
      await thread.pause(for: min(Self.tick, interval))
    }
    await connection?.close()
  }

  private func alive(_ connection: Connection?) async throws -> Connection {
    if let connection, !connection.isClosed { return connection }
    return try await Connection.connect(configuration, logger: queue.logger)
  }

  private func tell(_ control: JobControl, _ pulse: Pulse) {
    switch pulse {
    case .renewed: break
    case .cancelRequested: control.stop(.cancelRequested)
    case .lost:
      // A job that ended between the look at the list and the beat is no loss.
      guard !control.isFinished, state.withLock({ $0.controls[control.lease.token] != nil }) else { return }
      control.stop(.leaseLost)
    }
  }
}
