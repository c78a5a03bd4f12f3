import ServiceLifecycle
import Synchronization
import VerdictCore

/// Wakes waiters when a job changes its state.
final class JobWatch: Sendable {
  /// A job of any tenant.
  struct Key: Hashable {
    var tenant: TenantID
    var job: Int
  }

  private struct State {
    var next = 0
    var waiting: [Key: [Int: AsyncStream<Void>.Continuation]] = [:]
  }

  private let state = Mutex(State())

  /// Handles a notification of the queue: `tenant:kind:subject:job:state`.
  func heard(_ payload: String) {
    let parts = payload.split(separator: ":")
    guard parts.count >= 4, let tenant = Int32(parts[0]), let job = Int(parts[3]) else { return }
    let key = Key(tenant: TenantID(rawValue: tenant), job: job)
    for continuation in state.withLock({ Array(($0.waiting[key] ?? [:]).values) }) { continuation.yield() }
  }

  /// A stream of occasions to read a job: at once, after each notification about it, and every `interval`, since
  /// notifications can be lost. Occasions that a slow consumer misses are merged. The stream ends with graceful shutdown, so
  /// that waiters do not delay it.
  func changes(of key: Key, atLeastEvery interval: Duration) -> AsyncStream<Void> {
    AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
      let number = state.withLock { state in
        state.next += 1
        state.waiting[key, default: [:]][state.next] = continuation
        return state.next
      }
      // An unstructured task inherits the handler of graceful shutdown.
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
