import Foundation
import Synchronization

/// Limits how many large models are read, decoded and shown at the same time.
///
/// The stored form of a model with very many categories takes a second of a processor and a multiple of its size in memory
/// until it is decoded. Tenants take turns, and models that predictions wait for come first. A turn is taken before the
/// stored form is read, so that nothing waits with it in memory.
package final class ModelTurns: Sendable {
  /// No turn came within ``patience``.
  package struct Busy: Error, Sendable {
    /// Creates the error.
    package init() {}
  }

  /// The turns of the process: one for two processors and for each GiB of memory.
  package static let process = ModelTurns(
    limit: min(ProcessInfo.processInfo.activeProcessorCount / 2, MachineMemory.limit >> 30),
    pressure: .process)

  /// The stored size in bytes, as PostgreSQL compresses it, from which on a model is large. Decoding a smaller one takes
  /// milliseconds.
  static let largeModel = 64 << 10

  /// Notes that the stored form of a model was decoded. The decoder takes several times its size and frees it again.
  static func decoded(_ bytes: Int) { HeapTrimmer.process.freed(8 * bytes) }

  /// The limit for reading the stored form of a model, which takes PostgreSQL a second for the largest ones.
  static let readLimit = Duration.seconds(20)

  private struct State {
    var queue: TurnQueue
    var next = 0
    var waiting: [Int: CheckedContinuation<Void, any Error>] = [:]
  }

  private let patience: Duration
  private let pressure: MemoryPressure?
  private let state: Mutex<State>

  /// Turns of which `limit` run at once.
  ///
  /// - Parameters:
  ///   - limit: the number of large models in work.
  ///   - patience: how long a request waits for its turn, and then for memory.
  ///   - pressure: the pressure under which a turn does not begin.
  init(limit: Int, patience: Duration = .seconds(10), pressure: MemoryPressure? = nil) {
    self.patience = patience
    self.pressure = pressure
    state = Mutex(State(queue: TurnQueue(limit: limit)))
  }

  /// Runs the closure in a turn of the tenant.
  ///
  /// - Throws: ``Busy``; what `body` throws.
  func withTurn<T>(for tenant: TenantID, _ use: TurnQueue.Use, _ body: () async throws -> T) async throws -> T
  {
    try await enter(tenant, use)
    defer { leave(tenant) }
    // A model that predictions wait for is kept, so that it pays to take more of what is left.
    let ceiling: MemoryPressure.Level = use == .prediction ? .critical : .high
    if let pressure, try await !pressure.relief(below: ceiling, within: patience) { throw Busy() }
    return try await body()
  }

  private func enter(_ tenant: TenantID, _ use: TurnQueue.Use) async throws {
    let id = state.withLock { state in
      state.next += 1
      return state.next
    }
    let timer = Mutex<Task<Void, Never>?>(nil)
    defer { timer.withLock { $0 }?.cancel() }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let runs = state.withLock { state in
          if state.queue.enter(id, tenant, use) { return true }
          state.waiting[id] = continuation
          return false
        }
        if runs { return continuation.resume() }
        timer.withLock {
          $0 = Task.detached { [self, patience] in
            try? await Task.sleep(for: patience)
            abandon(id, Busy())
          }
        }
        if Task.isCancelled { abandon(id, CancellationError()) }
      }
    } onCancel: {
      abandon(id, CancellationError())
    }
  }

  private func leave(_ tenant: TenantID) {
    let next = state.withLock { state in
      state.queue.leave(tenant).flatMap { state.waiting.removeValue(forKey: $0) }
    }
    next?.resume()
  }

  private func abandon(_ id: Int, _ error: any Error) {
    let waiting = state.withLock { state in
      state.queue.abandon(id) ? state.waiting.removeValue(forKey: id) : nil
    }
    waiting?.resume(throwing: error)
  }
}
