import Synchronization

/// Counts the connections of each address.
final class ConnectionCounts: Sendable {
  private let limit: Int
  private let addresses: ClientAddress
  private let counts = Mutex<[String: Int]>([:])

  /// - Parameters:
  ///   - limit: how many an address may have.
  ///   - addresses: knows proxies, which may have any number.
  init(limit: Int, addresses: ClientAddress) {
    self.limit = limit
    self.addresses = addresses
  }

  /// What became of a new connection.
  enum Admission {
    /// It is counted under this name, to be given to ``left(_:)`` when it ends.
    case counted(String)
    /// It is a proxy's.
    case exempt
    /// Its address has too many.
    case refused
  }

  /// A connection from `peer` has begun.
  func entered(_ peer: String) -> Admission {
    guard let key = addresses.ofClient(peer) else { return .exempt }
    return counts.withLock { counts in
      let present = counts[key] ?? 0
      guard present < limit else { return .refused }
      counts[key] = present + 1
      return .counted(key)
    }
  }

  /// A counted connection has ended.
  func left(_ key: String) {
    counts.withLock { counts in
      let present = counts[key] ?? 0
      counts[key] = present > 1 ? present - 1 : nil
    }
  }
}
