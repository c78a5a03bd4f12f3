import HTTPTypes
import Hummingbird

/// Determines the client address of a request behind trusted proxies. Limits by address count under it.
struct ClientAddress: Sendable {
  /// Proxies whose `X-Forwarded-For` is trusted.
  var proxies: [Network] = []

  /// The client address of a request: the peer of the connection or, if that is a trusted proxy, the rightmost entry of
  /// `X-Forwarded-For` that is not one. Entries further left are ignored, because any client can forge them.
  ///
  /// - Returns: a key for comparison. An IPv6 address is reduced to its first 64 bits, which one customer usually owns.
  func of(_ request: Request, _ context: Context) -> String {
    of(
      context.channel.remoteAddress?.ipAddress ?? "",
      forwarded: request.headers[values: .xForwardedFor].joined(separator: ","))
  }

  /// The client address for a connection's peer and the joined values of `X-Forwarded-For`.
  func of(_ peer: String, forwarded: String) -> String {
    guard let bytes = Network.bytes(of: peer) else { return peer }
    guard isProxy(bytes) else { return Self.key(bytes) }
    var nearest = bytes
    for entry in forwarded.split(separator: ",").reversed() {
      guard let hop = Network.bytes(ofHop: String(entry.trimming(while: \.isWhitespace))) else { break }
      nearest = hop
      if !isProxy(hop) { break }
    }
    return Self.key(nearest)
  }

  /// The client address of a connection; `nil` if `peer` is a trusted proxy, which serves many clients.
  func ofClient(_ peer: String) -> String? {
    guard let bytes = Network.bytes(of: peer) else { return peer }
    return isProxy(bytes) ? nil : Self.key(bytes)
  }

  private func isProxy(_ address: [UInt8]) -> Bool { proxies.contains { $0.contains(address) } }

  private static func key(_ address: [UInt8]) -> String {
    (address.count == 16 ? address.prefix(8) : address[...]).map { String($0) }.joined(separator: ".")
  }
}

extension StringProtocol {
  fileprivate func trimming(while predicate: (Character) -> Bool) -> SubSequence {
    let end = lastIndex { !predicate($0) }.map { index(after: $0) } ?? startIndex
    return self[..<end].drop(while: predicate)
  }
}
