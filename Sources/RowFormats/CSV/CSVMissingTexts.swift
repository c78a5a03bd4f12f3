/// The texts of a CSV file that mean a missing value, beside the empty one.
///
/// Spaces and tabs around a field are insignificant for the comparison, and texts are compared in normalization form C.
struct CSVMissingTexts: Sendable {
  private let texts: [[UInt8]]
  /// Whether a text begins with the byte, so that most fields need one look-up.
  private let begins: [Bool]
  /// Whether a field beyond ASCII can be one of the texts only after its normalization.
  private let isASCII: Bool

  /// Prepares the texts; empty ones are left out.
  init(_ texts: Set<String>) {
    let texts = Set(texts.map { $0.trimmingSpaces.normalized }).filter { !$0.isEmpty }.map { Array($0.utf8) }
    var begins = [Bool](repeating: false, count: 256)
    for text in texts { begins[Int(text[0])] = true }
    self.texts = texts
    self.begins = begins
    isASCII = texts.allSatisfy { $0.allSatisfy { $0 < 0x80 } }
  }

  /// Whether there are no texts.
  var isEmpty: Bool { texts.isEmpty }

  /// Whether a field is one of the texts.
  func contains(_ field: UnsafeBufferPointer<UInt8>) -> Bool {
    var (start, end) = (field.startIndex, field.endIndex)
    while start < end, Self.isSpace(field[start]) { start += 1 }
    while end > start, Self.isSpace(field[end - 1]) { end -= 1 }
    guard start < end else { return false }
    let trimmed = field[start..<end]
    if begins[Int(field[start])], texts.contains(where: { $0.elementsEqual(trimmed) }) { return true }
    guard !isASCII, trimmed.contains(where: { $0 >= 0x80 }), isUTF8(Array(trimmed), count: trimmed.count)
    else { return false }
    let normalized = Array(String(decoding: trimmed, as: UTF8.self).normalized.utf8)
    return texts.contains(normalized)
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }
}
