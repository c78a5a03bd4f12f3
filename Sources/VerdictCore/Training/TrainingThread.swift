import Dispatch

/// Runs CPU-bound work off Swift's cooperative threads, which must stay free for heartbeats and requests.
enum TrainingThread {
  private static let queue = DispatchQueue(label: "verdict.training", qos: .utility, attributes: .concurrent)

  /// Runs `work` on a thread of its own and returns its value.
  static func run<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Result(catching: work)) }
    }
  }
}
