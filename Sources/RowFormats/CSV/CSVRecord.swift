import CSimdJSON

/// One field of a record, as a range of bytes.
struct CSVField {
  /// Offset in the text, or in the record's unescaped bytes if `isUnescaped`.
  var start: Int
  var count: Int
  /// Whether the field is enclosed in quotes.
  var isQuoted = false
  /// Whether the field had doubled quotes, so that its bytes differ from those of the text.
  var isUnescaped = false
}

/// The fields of one CSV record (RFC 4180). LF ends a record as well as CRLF.
///
/// One value serves all records of a stream and reuses its buffers.
public struct CSVRecord {
  let delimiter: UInt8
  /// The fields of the record.
  private(set) var fields: [CSVField] = []
  /// The bytes of the fields with doubled quotes.
  private(set) var unescaped: [UInt8] = []
  /// The index of the first field that is not UTF-8, if there is one.
  public internal(set) var invalidField: Int?
  /// The number of line breaks in quoted fields.
  private(set) var innerLines = 0
  /// The number of line breaks before the quote that the text read so far does not close; `nil` without such a quote.
  private(set) var linesBeforeOpenQuote: Int?

  init(delimiter: UInt8) {
    self.delimiter = delimiter
  }

  /// Whether the record is an empty line.
  var isBlank: Bool { fields.count == 1 && fields[0].count == 0 && !fields[0].isQuoted }

  /// The bytes of a field.
  ///
  /// - Parameter text: the text that the record was read from.
  func bytes(of field: CSVField, in text: [UInt8]) -> [UInt8] {
    Array((field.isUnescaped ? unescaped : text)[field.start..<field.start + field.count])
  }

  /// The index of the first field that is not UTF-8, if there is one.
  // Not inlined, for the reason given at `allBytes(in:)`.
  @inline(never)
  func firstInvalidField(in text: [UInt8]) -> Int? {
    for (index, field) in fields.enumerated() {
      let bytes = bytes(of: field, in: text)
      if !isUTF8(bytes, count: bytes.count) { return index }
    }
    return nil
  }

  /// The bytes of all fields.
  // A loop instead of `map`, and not inlined: the optimiser of Swift 6.3.1 crashes otherwise (SILCombine).
  @inline(never)
  func allBytes(in text: [UInt8]) -> [[UInt8]] {
    var all: [[UInt8]] = []
    for field in fields { all.append(bytes(of: field, in: text)) }
    return all
  }

  /// The fields as strings; repaired where ``invalidField`` is not `nil`.
  ///
  /// - Parameter text: the text that the record was read from.
  public func strings(in text: [UInt8]) -> [String] {
    fields.map { String(decoding: bytes(of: $0, in: text), as: UTF8.self) }
  }

  /// Reads the record that begins at `start`.
  ///
  /// - Parameter isLast: whether the input ends with the text. Only then may the record end there, too.
  /// - Parameter line: the line number for errors.
  /// - Returns: the offset of the next record, or `nil` if this one continues beyond the text.
  mutating func read(
    _ text: borrowing Span<UInt8>, from start: Int, isLast: Bool, line: Int
  ) throws(SyntaxProblem) -> Int? {
    fields.removeAll(keepingCapacity: true)
    unescaped.removeAll(keepingCapacity: true)
    innerLines = 0
    linesBeforeOpenQuote = nil
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
          if byte == delimiter || byte == lineFeed { break }
          guard byte != quote else { throw SyntaxProblem(.misplacedQuote, line: line + innerLines) }
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

  /// Reads a quoted field whose content begins at `start`.
  ///
  /// - Returns: the offset of the delimiter or line feed after it, or `nil` if it continues beyond the text.
  private mutating func readQuoted(
    _ text: borrowing Span<UInt8>, from start: Int, isLast: Bool, line: Int
  ) throws(SyntaxProblem) -> Int? {
    var at = start
    var copied = start
    let copyStart = unescaped.count
    let linesBefore = innerLines
    while true {
      while at < text.count, text[at] != quote {
        if text[at] == lineFeed { innerLines += 1 }
        at += 1
      }
      guard at < text.count else {
        guard !isLast else { throw SyntaxProblem(.unclosedString, line: line + linesBefore) }
        linesBeforeOpenQuote = linesBefore
        return nil
      }
      guard at + 1 < text.count || isLast else { return nil }
      guard at + 1 < text.count, text[at + 1] == quote else { break }
      // Of two quotes the first one is content.
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
      throw SyntaxProblem(.misplacedQuote, line: line + linesBefore)
    }
    return at
  }

  private mutating func append(_ text: borrowing Span<UInt8>, _ range: Range<Int>) {
    for index in range { unescaped.append(text[index]) }
  }
}

/// Whether the first `count` bytes are UTF-8 (RFC 3629).
// Not inlined, for the reason given at `CSVRecord.allBytes(in:)`.
@inline(never)
func isUTF8(_ bytes: [UInt8], count: Int) -> Bool {
  bytes.withUnsafeBufferPointer { vj_is_utf8($0.baseAddress, count) }
}

private let quote = UInt8(ascii: "\"")
private let lineFeed = UInt8(ascii: "\n")
private let carriageReturn = UInt8(ascii: "\r")
