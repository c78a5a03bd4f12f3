import Glibc

/// An IP network: the addresses that share a prefix, such as `10.0.0.0/8` or `2001:db8::/32`. A single address has a prefix of
/// all its bits.
package struct Network: Sendable, Equatable {
  private let bytes: [UInt8]
  private let prefix: Int

  /// Parses CIDR notation (RFC 4632, RFC 4291); `nil` for any other text.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let bytes = Self.bytes(of: String(parts[0])) else { return nil }
    var prefix = bytes.count * 8
    if parts.count == 2 {
      guard let number = QueryParameters.integer(parts[1]), number <= prefix else { return nil }
      prefix = number
    }
    self.bytes = bytes
    self.prefix = prefix
  }

  /// Whether the network contains an address of four or sixteen bytes.
  func contains(_ address: [UInt8]) -> Bool {
    guard address.count == bytes.count else { return false }
    for bit in stride(from: 0, to: prefix, by: 8) {
      let index = bit / 8
      let mask = prefix - bit >= 8 ? UInt8.max : ~(UInt8.max >> UInt8(prefix - bit))
      guard address[index] & mask == bytes[index] & mask else { return false }
    }
    return true
  }

  /// The address of an entry of `X-Forwarded-For`. Some proxies append the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`.
  static func bytes(ofHop hop: String) -> [UInt8]? {
    if let bytes = bytes(of: hop) { return bytes }
    let isBracketed = hop.hasPrefix("[")
    guard let end = isBracketed ? hop.firstIndex(of: "]") : hop.lastIndex(of: ":") else { return nil }
    let port = isBracketed ? hop[hop.index(after: end)...] : hop[end...]
    guard port.isEmpty || port.first == ":", port.isEmpty || QueryParameters.integer(port.dropFirst()) != nil
    else {
      return nil
    }
    // Without brackets, the last group of an IPv6 address could be mistaken for a port.
    let address = bytes(of: String(hop[..<end].drop { $0 == "[" }))
    return isBracketed || address?.count == 4 ? address : nil
  }

  /// The four or sixteen bytes of a literal address. An IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2) has four.
  static func bytes(of address: String) -> [UInt8]? {
    guard !address.utf8.contains(0) else { return nil }
    var bytes = [UInt8](repeating: 0, count: 4)
    // Each buffer has the size that inet_pton(3) writes for its address family.
    if inet_pton(AF_INET, address, &bytes) == 1 { return bytes }
    bytes = [UInt8](repeating: 0, count: 16)
    guard inet_pton(AF_INET6, address, &bytes) == 1 else { return nil }
    let mapped: [UInt8] = Array(repeating: 0, count: 10) + [0xFF, 0xFF]
    if bytes.starts(with: mapped) { bytes.removeFirst(12) }
    return bytes
  }
}
