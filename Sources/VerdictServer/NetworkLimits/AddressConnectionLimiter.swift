import Synchronization

/// Limits the number of simultaneous connections from one client address. Trusted proxies are exempt.
final class AddressConnectionLimiter: Sendable {
  private let limit: Int
  private let addresses: ClientAddress
  private let counts = Mutex<[String: Int]>([:])

  /// - Parameters:
  ///   - limit: connections an address.
  ///   - addresses: tells trusted proxies from clients.
  init(limit: Int, addresses: ClientAddress) {
    self.limit = limit
    self.addresses = addresses
  }

  /// The decision about a new connection.
  enum Admission {
    /// Admitted and counted under this key, which ``release(_:)`` takes when the connection ends.
    case counted(String)
    /// Admitted without counting: a trusted proxy.
    case exempt
    /// Refused: the address has reached the limit.
    case refused
  }

  /// Decides about a new connection from `peer`.
  func admit(_ peer: String) -> Admission {
    guard let key = addresses.ofClient(peer) else { return .exempt }
    return counts.withLock { counts in
      let present = counts[key] ?? 0
      guard present < limit else { return .refused }
      counts[key] = present + 1
      return .counted(key)
    }
  }

  /// Ends the counting of a connection.
  func release(_ key: String) {
    counts.withLock { counts in
      let present = counts[key] ?? 0
      counts[key] = present > 1 ? present - 1 : nil
    }
  }
}
