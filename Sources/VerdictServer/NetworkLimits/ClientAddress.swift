import HTTPTypes
import Hummingbird

/// Where requests come from, when proxies stand between.
struct ClientAddress: Sendable {
  /// Proxies whose word is taken.
  var proxies: [Network] = []

  /// The address that a request counts for: the connection's, or, where that is a trusted proxy, the last one in
  /// `X-Forwarded-For` that is none. What is further left in it anybody can have written.
  ///
  /// - Returns: an address as it can be compared: of IPv6 the first 64 bits, which one customer usually has to themselves.
  func of(_ request: Request, _ context: Context) -> String {
    of(
      context.channel.remoteAddress?.ipAddress ?? "",
      forwarded: request.headers[values: .xForwardedFor].joined(separator: ","))
  }

  /// The same for the address of a connection and what was said of it.
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

  /// The address that a connection from `peer` counts for; `nil` for a trusted proxy's, behind which there are many.
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
