/// The byte order mark U+FEFF. It is not part of CSV or JSON, but some editors write it at the start of every file.
public enum ByteOrderMark {
  /// The length of the mark of UTF-8 at the start of a text, 3 or 0.
  ///
  /// - Throws: ``SyntaxProblem`` if the text begins with the mark of UTF-16 or UTF-32.
  public static func length(_ text: some Collection<UInt8>) throws(SyntaxProblem) -> Int {
    if text.starts(with: [0xFF, 0xFE]) || text.starts(with: [0xFE, 0xFF]) { throw SyntaxProblem(.utf16) }
    return text.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
  }
}
