/// Splits CSV (RFC 4180) that arrives in arbitrary pieces into records.
///
/// A byte order mark at the start is skipped, and so are blank lines before the header. In a file of one column, a later blank
/// line is a record with an empty field; in other files it is skipped, since it is no record of theirs.
public struct CSVStream {
  private var record: CSVRecord
  private var pending: [UInt8] = []
  private var atStart = true
  /// The number of fields of the first record, the header; 0 before it.
  private var columns = 0
  /// The line on which the first unread record begins, counted from 1.
  public private(set) var line = 1

  /// Creates an empty stream.
  ///
  /// - Parameter delimiter: the field separator, a single ASCII character other than a quote or a line break.
  public init(delimiter: UInt8 = UInt8(ascii: ",")) { record = CSVRecord(delimiter: delimiter) }

  /// The number of bytes that have been appended and not been read.
  var pendingCount: Int { pending.count }

  /// Checks that the unread record is not too long. What makes a record of several lines too long is a quote, which the error
  /// names.
  ///
  /// - Throws: ``SyntaxProblem``.
  func checkLength(atMost limit: Int) throws(SyntaxProblem) {
    guard pending.count > limit else { return }
    if let before = record.linesBeforeOpenQuote, record.innerLines > before {
      throw SyntaxProblem(.openQuote, line: line + before)
    }
    throw SyntaxProblem(.tooLarge, line: line)
  }

  /// Appends the next bytes.
  public mutating func append(_ bytes: RawSpan) {
    bytes.withUnsafeBytes { pending.append(contentsOf: $0) }
  }

  /// Calls `body` with every complete record, the text that contains it, and the line on which it begins.
  ///
  /// - Parameters:
  ///   - isLast: whether the stream has ended, so that the last record needs no line break.
  ///   - isFull: whether the records so far are enough, so that the others stay unread.
  ///   - body: receives each record.
  /// - Throws: ``SyntaxProblem`` for a malformed record, and what `body` throws.
  public mutating func readRecords(
    isLast: Bool, until isFull: () -> Bool = { false },
    _ body: (_ record: CSVRecord, _ text: [UInt8], _ line: Int) throws -> Void
  ) throws {
    // A byte order mark has three bytes.
    guard isLast || !atStart || pending.count >= 3 else { return }
    let text = pending
    pending = []
    let span = text.span
    var position = 0
    if atStart { position = try ByteOrderMark.length(text) }
    atStart = false
    // No character continues after a line feed, so that whole lines can be checked, which is fast, and single records only
    // where one is invalid.
    let lines = isLast ? text.count : (text.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
    let isValid = isUTF8(text, count: lines)
    while position < span.count, !isFull(),
      let next = try record.read(span, from: position, isLast: isLast, line: line)
    {
      if !record.isBlank || columns == 1 {
        if columns == 0 { columns = record.fields.count }
        record.invalidField = isValid ? nil : record.firstInvalidField(in: text)
        try body(record, text, line)
      }
      line += 1 + record.innerLines
      position = next
    }
    pending = Array(text[position...])
  }
}
