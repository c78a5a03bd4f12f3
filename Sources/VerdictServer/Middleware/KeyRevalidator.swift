import Hummingbird
import Synchronization

/// Ends what goes on for long once its key has been revoked or has expired: asked at every step, it looks a few times a
/// second, which the authenticator's memory makes one query a second for each key.
final class KeyRevalidator: Sendable {
  private static let interval = Duration.milliseconds(200)

  private let authenticator: Authenticator?
  private let request: Request
  private let last = Mutex(ContinuousClock.now)

  /// Watches the key of a request that has been let in just now.
  init(_ authenticator: Authenticator?, _ request: Request) {
    self.authenticator = authenticator
    self.request = request
  }

  /// Passes while the key is good.
  ///
  /// - Throws: ``Problem`` of kind `unauthorized`; ``PostgreSQLError`` where it cannot be known.
  func check() async throws {
    let now = ContinuousClock.now
    let isDue = last.withLock { last in
      guard now - last >= Self.interval else { return false }
      last = now
      return true
    }
    if isDue { try await authenticator?.check(request) }
  }
}
