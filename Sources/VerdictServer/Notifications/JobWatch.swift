import ServiceLifecycle
import Synchronization
import VerdictCore

/// Wakes those who wait for a job to move.
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

  /// An announcement of the queue: `tenant:kind:subject:job:state`.
  func heard(_ payload: String) {
    let parts = payload.split(separator: ":")
    guard parts.count >= 4, let tenant = Int32(parts[0]), let job = Int(parts[3]) else { return }
    let key = Key(tenant: TenantID(rawValue: tenant), job: job)
    for continuation in state.withLock({ Array(($0.waiting[key] ?? [:]).values) }) { continuation.yield() }
  }

  /// A stream of reasons to look at a job: at once, whenever it is announced to have moved, and every `interval`, since
  /// announcements can be lost while their connection is down. Reasons that come faster than they are taken are joined.
  /// It ends when the server is told to, so that those who wait do not hold up its end.
  func changes(of key: Key, atLeastEvery interval: Duration) -> AsyncStream<Void> {
    AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
      let number = state.withLock { state in
        state.next += 1
        state.waiting[key, default: [:]][state.next] = continuation
        return state.next
      }
      // An unstructured task knows of the server's end, too: what tells it is inherited.
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
