/// Splits NDJSON (ndjson.org) that arrives in arbitrary pieces into whole lines.
struct LineBuffer {
  private var pending: [UInt8] = []
  /// The number of the first unread line, counted from 1.
  private(set) var nextLine = 1

  /// The number of bytes that have been appended and not been read.
  var count: Int { pending.count }

  mutating func append(_ bytes: RawSpan) {
    bytes.withUnsafeBytes { pending.append(contentsOf: $0) }
  }

  /// Calls `body` with all complete lines, or with everything if the stream has ended, and removes them.
  ///
  /// - Parameter body: receives the text without a byte order mark and the number of its first line, and returns the
  ///   number of lines. The pointer is valid during the call only.
  /// - Returns: the result of `body`, or `nil` if no line is complete.
  mutating func readLines<Result>(
    isLast: Bool, _ body: (UnsafeRawBufferPointer, _ firstLine: Int) throws -> (lines: Int, Result)
  ) throws -> Result? {
    let end = isLast ? pending.count : pending.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 }
    guard let end else { return nil }
    let mark = nextLine == 1 ? try ByteOrderMark.length(pending) : 0
    let (lines, result) = try pending[mark..<max(mark, end)].withUnsafeBytes { try body($0, nextLine) }
    nextLine += lines
    pending.removeSubrange(..<end)
    return result
  }
}
