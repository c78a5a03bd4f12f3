import CSimdJSON

/// The double that a JSON number's text means, correctly rounded; `nil` if it is none or not finite.
func parseNumber(_ text: String) -> Double? {
  var text = text
  return text.withUTF8 { utf8 in
    var value = 0.0
    return vj_parse_number(utf8.baseAddress, utf8.count, &value) ? value : nil
  }
}

/// Appends the shortest text that reads back as the same finite double; whole numbers without a fraction.
public func appendNumber(_ value: Double, to bytes: inout [UInt8]) {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { buffer in
    guard let base = buffer.baseAddress else { return }
    bytes.append(contentsOf: UnsafeRawBufferPointer(start: base, count: vj_format_number(value, base)))
  }
}
