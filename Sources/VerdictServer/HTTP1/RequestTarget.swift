/// The target of a request: a path and a query.
enum RequestTarget {
  /// The target with the unreserved characters of its path decoded, which makes equivalent paths equal (RFC 3986, section
  /// 6.2.2.2). Other octets stay encoded: `%2F` is part of a segment and separates none.
  static func normalized(_ target: String) -> String {
    guard target.utf8.contains(UInt8(ascii: "%")) else { return target }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(target.utf8.count)
    var rest = target.utf8[...]
    while let byte = rest.first, byte != UInt8(ascii: "?") {
      if let decoded = PercentEncoding.byte(rest), PercentEncoding.isUnreserved(decoded) {
        bytes.append(decoded)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
        rest = rest.dropFirst()
      }
    }
    bytes.append(contentsOf: rest)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Whether the path of a normalized target is the one spelling by which the router finds a resource: it has no empty segment, no
  /// trailing slash, no dot segment and no octet that is still encoded.
  ///
  /// The router ignores empty segments. A proxy that guards a path compares it with the text of the request, so that another
  /// spelling of the path would pass the proxy and reach the route.
  static func isCanonical(_ target: String) -> Bool {
    var rest = target.utf8.makeIterator()
    guard rest.next() == UInt8(ascii: "/") else { return false }
    var (length, dots, isRoot) = (0, 0, true)
    func isSegment() -> Bool { length > 0 && !(length == dots && dots <= 2) }
    while let byte = rest.next(), byte != UInt8(ascii: "?") {
      isRoot = false
      switch byte {
      case UInt8(ascii: "/"):
        guard isSegment() else { return false }
        (length, dots) = (0, 0)
        continue
      case UInt8(ascii: "%"): return false
      case UInt8(ascii: "."): dots += 1
      default: break
      }
      length += 1
    }
    return isRoot || isSegment()
  }
}
