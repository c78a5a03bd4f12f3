/// Parses the `traceparent` header field (W3C Trace Context, section 3.2) for the trace id in log lines.
enum TraceContext {
  /// The trace id, 32 hexadecimal digits; `nil` for an invalid field, which counts as absent (sections 3.2.2.3 and 4.3).
  static func traceID(of header: String) -> String? {
    let bytes = Array(header.utf8)
    guard bytes.count >= 55, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash else { return nil }
    let (version, trace, parent, flags) = (bytes[0..<2], bytes[3..<35], bytes[36..<52], bytes[53..<55])
    guard [version, trace, parent, flags].allSatisfy({ $0.allSatisfy(isHex) }) else { return nil }
    // Version ff is invalid. Version 00 has no further fields, and those of later versions begin with a dash.
    let isLater = !version.allSatisfy { $0 == zero }
    guard !version.allSatisfy({ $0 == UInt8(ascii: "f") }) else { return nil }
    guard bytes.count == 55 || (isLater && bytes[55] == dash) else { return nil }
    guard trace.contains(where: { $0 != zero }), parent.contains(where: { $0 != zero }) else { return nil }
    return String(decoding: trace, as: UTF8.self)
  }

  private static let dash = UInt8(ascii: "-")
  private static let zero = UInt8(ascii: "0")

  /// Lower case only, as the specification requires.
  private static func isHex(_ byte: UInt8) -> Bool {
    (zero...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }
}
