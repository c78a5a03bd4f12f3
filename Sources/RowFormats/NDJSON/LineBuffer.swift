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
  /// - Parameter body: receives the text without a byte order mark and the number of its first line, and returns how many
  ///   lines and bytes it has read. The pointer is valid during the call only.
  /// - Returns: the result of `body` and whether it has left lines; `nil` if no line is complete.
  mutating func readLines<Result>(
    isLast: Bool,
    _ body: (UnsafeRawBufferPointer, _ firstLine: Int) throws -> (read: (lines: Int, bytes: Int), Result)
  ) throws -> (Result, isBehind: Bool)? {
    let end = isLast ? pending.count : pending.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 }
    guard let end else { return nil }
    let mark = nextLine == 1 ? try ByteOrderMark.length(pending) : 0
    let (read, result) = try pending[mark..<max(mark, end)].withUnsafeBytes { try body($0, nextLine) }
    nextLine += read.lines
    let isBehind = mark + read.bytes < end
    pending.removeSubrange(..<(isBehind ? mark + read.bytes : end))
    return (result, isBehind)
  }
}
