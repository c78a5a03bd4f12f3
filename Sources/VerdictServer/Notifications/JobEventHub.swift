import ServiceLifecycle
import Synchronization
import VerdictCore

/// Distributes notifications about jobs to the requests that wait for a job's state to change.
final class JobEventHub: Sendable {
  /// Identifies a job.
  struct Key: Hashable {
    var tenant: TenantID
    var job: Int
  }

  private struct State {
    var next = 0
    var waiting: [Key: [Int: AsyncStream<Void>.Continuation]] = [:]
  }

  private let state = Mutex(State())

  /// Wakes the subscribers of a job. The payload of the queue's notification is `tenant:kind:subject:job:state`.
  func publish(_ payload: String) {
    let parts = payload.split(separator: ":")
    guard parts.count >= 4, let tenant = Int32(parts[0]), let job = Int(parts[3]) else { return }
    let key = Key(tenant: TenantID(rawValue: tenant), job: job)
    for continuation in state.withLock({ Array(($0.waiting[key] ?? [:]).values) }) { continuation.yield() }
  }

  /// A stream with an element whenever a job should be read: at once, at each notification, and every `interval`, because
  /// notifications can be lost while their connection is down. Elements that are not consumed in time are coalesced.
  /// Graceful shutdown ends the stream, so subscribers do not delay the end of the server.
  func changes(of key: Key, atLeastEvery interval: Duration) -> AsyncStream<Void> {
    AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
      let number = state.withLock { state in
        state.next += 1
        state.waiting[key, default: [:]][state.next] = continuation
        return state.next
      }
      // An unstructured task inherits the task-local value through which graceful shutdown is signalled.
      let ticker = Task {
        await cancelWhenGracefulShutdown {
          repeat {
            continuation.yield()
            try? await Task.sleep(for: interval)
          } while !Task.isCancelled
        }
        continuation.finish()
      }
      continuation.onTermination = { [weak self] _ in
        ticker.cancel()
        self?.state.withLock { state in
          state.waiting[key]?[number] = nil
          if state.waiting[key]?.isEmpty == true { state.waiting[key] = nil }
        }
      }
    }
  }
}
