import Hummingbird
import Synchronization

/// Ends long responses after their key was revoked or has expired. It is called at every step and revalidates the key a few
/// times a second, which the authenticator's cache reduces to one query a second for each key.
final class KeyRevalidator: Sendable {
  private static let interval = Duration.milliseconds(200)

  private let authenticator: Authenticator?
  private let request: Request
  private let last = Mutex(ContinuousClock.now)

  /// A revalidator for the key of a request that was admitted just now.
  init(_ authenticator: Authenticator?, _ request: Request) {
    self.authenticator = authenticator
    self.request = request
  }

  /// Returns while the key is valid.
  ///
  /// - Throws: ``Problem`` of kind `unauthorized`; ``PostgreSQLError`` if the key cannot be looked up.
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
