import CSimdJSON
import Foundation

extension String {
  /// The text in normalization form C (Unicode Standard Annex 15). Names, categories, outcomes and keys are stored and compared
  /// in this form, because PostgreSQL and C compare bytes.
  public var normalized: String {
    // ASCII text is in every normalization form.
    utf8.allSatisfy { $0 < 0x80 } ? self : precomposedStringWithCanonicalMapping
  }
}

/// The spelling of categories.
public enum CategorySpelling {
  /// The one text of a category that programs write in different ways.
  ///
  /// pandas writes booleans as `True`, and integers of a column with gaps as `3.0`; JSON writes `true` and `3`. The text is in
  /// normalization form C.
  ///
  /// - Parameters:
  ///   - text: the text of the category.
  ///   - listed: the closed list of the feature. A category of exactly this text is kept.
  public static func canonical(_ text: String, listed: [String]? = nil) -> String {
    guard mayChange(text.utf8) else { return text }
    let spelling = withUnsafeTemporaryAllocation(of: CChar.self, capacity: text.utf8.count * 3) { buffer in
      guard let base = buffer.baseAddress else { return text }
      let length = withBytes(text) { vj_category_text(normalize, $0, $1, base) }
      return String(decoding: UnsafeRawBufferPointer(start: base, count: length), as: UTF8.self)
    }
    // Few texts change, so that the list is rarely searched.
    guard let listed, spelling != text, listed.contains(text) else { return spelling }
    return text.normalized
  }

  /// Whether a text may have another spelling: a cheap test that holds for all that ``canonical(_:listed:)`` changes.
  @inlinable
  static func mayChange(_ utf8: some Collection<UInt8>) -> Bool {
    guard let first = utf8.first else { return false }
    // The bytes of combining characters and of all other text that form C may change are at least 0xCC.
    if first == UInt8(ascii: "T") || first == UInt8(ascii: "F") || utf8.contains(where: { $0 >= 0xCC }) {
      return true
    }
    let suffix = utf8.suffix(2)
    return suffix.count == 2 && suffix.elementsEqual(".0".utf8)
  }
}

/// Normalizes text for the C reader.
let normalize: vj_normalize = { bytes, length, text in
  // Sound: C passes `length` readable bytes, and room for three times as many, which no normalization to form C exceeds
  // (Unicode Standard Annex 15, section 9).
  guard let text else { return 0 }
  let normalized = String(decoding: UnsafeRawBufferPointer(start: bytes, count: length), as: UTF8.self)
    .normalized
  var count = 0
  for byte in normalized.utf8 {
    text[count] = CChar(bitPattern: byte)
    count += 1
  }
  return count
}
