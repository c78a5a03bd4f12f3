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
}
