import Hummingbird
import Synchronization

/// Revalidates the API key of a long request, so that revocation or expiry ends it. Callers check at every step; at most five
/// checks a second reach the authenticator, whose cache reduces them to about one query a second and key.
final class KeyRevalidator: Sendable {
  private static let interval = Duration.milliseconds(200)

  private let authenticator: Authenticator?
  private let request: Request
  private let last = Mutex(ContinuousClock.now)

  /// Creates a revalidator for a request whose key has just been validated.
  init(_ authenticator: Authenticator?, _ request: Request) {
    self.authenticator = authenticator
    self.request = request
  }

  /// Returns while the key is valid.
  ///
  /// - Throws: ``Problem`` of kind `unauthorized`; `PostgreSQLError` if the key cannot be checked.
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
