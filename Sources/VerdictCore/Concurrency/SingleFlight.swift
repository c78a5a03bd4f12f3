import Synchronization

/// Shares one running operation among concurrent callers that ask for the same.
///
/// The operation runs in a task of its own. The cancellation of a caller ends the wait of that caller alone. An error goes
/// to all callers that wait, and the next caller starts another operation.
final class SingleFlight<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private struct State {
    var next = 0
    var waiting: [Key: [Int: CheckedContinuation<Value, any Error>]] = [:]
  }

  private let state = Mutex(State())

  /// The number of running operations.
  var count: Int { state.withLock { $0.waiting.count } }

  /// The value of the running operation of `key`, or else of a new one.
  ///
  /// - Throws: the error of the operation; `CancellationError` when the caller's task is cancelled.
  func value(for key: Key, _ operation: @escaping @Sendable () async throws -> Value) async throws -> Value {
    let waiter = state.withLock { state in
      state.next += 1
      return state.next
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let starts = state.withLock { state in
          let starts = state.waiting[key] == nil
          state.waiting[key, default: [:]][waiter] = continuation
          return starts
        }
        // Detached, since its log lines must not carry the id of one of the requests that share it.
        if starts { Task.detached { await self.run(key, operation) } }
        if Task.isCancelled { abandon(key, waiter) }
      }
    } onCancel: {
      abandon(key, waiter)
    }
  }

  private func run(_ key: Key, _ operation: @Sendable () async throws -> Value) async {
    let result: Result<Value, any Error>
    do {
      result = .success(try await operation())
    } catch {
      result = .failure(error)
    }
    let waiting = state.withLock { $0.waiting.removeValue(forKey: key) } ?? [:]
    for continuation in waiting.values { continuation.resume(with: result) }
  }

  /// Ends the wait of one caller. An operation that nobody waits for any more continues.
  private func abandon(_ key: Key, _ waiter: Int) {
    state.withLock { $0.waiting[key]?.removeValue(forKey: waiter) }?.resume(throwing: CancellationError())
  }
}
