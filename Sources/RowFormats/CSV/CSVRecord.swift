/// One field of a record: where its bytes are.
public struct CSVField {
  /// Offset in the text, or in the record's unescaped bytes if `isUnescaped`.
  var start: Int
  var count: Int
  /// Enclosed in quotes: empty then means an empty string and not a missing value.
  var isQuoted = false
  /// Had doubled quotes, so its bytes are not those of the text.
  var isUnescaped = false
}

/// Splits text into records and fields as RFC 4180 has it. LF ends a record as well as CRLF.
///
/// Kept from record to record, so that its buffers are.
public struct CSVRecord {
  let delimiter: UInt8
  /// The fields of the record read last.
  public private(set) var fields: [CSVField] = []
  /// Bytes of fields with doubled quotes.
  public private(set) var unescaped: [UInt8] = []
  /// Line breaks in the record's quoted fields.
  public private(set) var innerLines = 0

  public init(delimiter: UInt8) {
    self.delimiter = delimiter
  }

  /// Whether the record is an empty line.
  public var isBlank: Bool { fields.count == 1 && fields[0].count == 0 && !fields[0].isQuoted }

  /// Reads the record that begins at `start`. Answers where the next one begins, or `nil` if this one goes on beyond
  /// the text, which cannot be if `isLast`. `line` is for the error.
  public mutating func read(
    _ text: borrowing Span<UInt8>, from start: Int, isLast: Bool, line: Int
  ) throws(SyntaxProblem) -> Int? {
    fields.removeAll(keepingCapacity: true)
    unescaped.removeAll(keepingCapacity: true)
    innerLines = 0
    let count = text.count
    let delimiter = delimiter
    var at = start
    while true {
      if at < count, text[at] == quote {
        guard let end = try readQuoted(text, from: at + 1, isLast: isLast, line: line) else { return nil }
        at = end
      } else {
        let fieldStart = at
        while at < count {
          let byte = text[at]
          // Nearly all bytes are larger than the few that end a field.
          if byte == delimiter || byte == lineFeed { break }
          guard byte != quote else { throw SyntaxProblem(.misplacedQuote, line: line) }
          at += 1
        }
        var end = at
        let endsRecord = at == count || text[at] == lineFeed
        if endsRecord, end > fieldStart, text[end - 1] == carriageReturn { end -= 1 }
        fields.append(CSVField(start: fieldStart, count: end - fieldStart))
      }
      if at == count { return isLast ? count : nil }
      at += 1
      if text[at - 1] == lineFeed { return at }
    }
  }

  /// Reads a quoted field whose content begins at `start`. Answers the offset of the delimiter or line feed after it.
  private mutating func readQuoted(
    _ text: borrowing Span<UInt8>, from start: Int, isLast: Bool, line: Int
  ) throws(SyntaxProblem) -> Int? {
    var at = start
    var copied = start
    let copyStart = unescaped.count
    while true {
      while at < text.count, text[at] != quote {
        if text[at] == lineFeed { innerLines += 1 }
        at += 1
      }
      guard at < text.count else {
        guard !isLast else { throw SyntaxProblem(.unclosedString, line: line) }
        return nil
      }
      guard at + 1 < text.count || isLast else { return nil }
      guard at + 1 < text.count, text[at + 1] == quote else { break }
      // The first of two quotes is content, the second is passed over.
      append(text, copied..<(at + 1))
      at += 2
      copied = at
    }
    let end = at
    if unescaped.count > copyStart {
      append(text, copied..<end)
      fields.append(
        CSVField(start: copyStart, count: unescaped.count - copyStart, isQuoted: true, isUnescaped: true))
    } else {
      fields.append(CSVField(start: start, count: end - start, isQuoted: true))
    }
    at += 1
    if at < text.count, text[at] == carriageReturn {
      guard at + 1 < text.count || isLast else { return nil }
      if at + 1 == text.count || text[at + 1] == lineFeed { at += 1 }
    }
    guard at == text.count || text[at] == delimiter || text[at] == lineFeed else {
      throw SyntaxProblem(.misplacedQuote, line: line)
    }
    return at
  }

  private mutating func append(_ text: borrowing Span<UInt8>, _ range: Range<Int>) {
    for index in range { unescaped.append(text[index]) }
  }
}

private let quote = UInt8(ascii: "\"")
private let lineFeed = UInt8(ascii: "\n")
private let carriageReturn = UInt8(ascii: "\r")
