/// Splits CSV (RFC 4180) that arrives in arbitrary pieces into records.
///
/// A byte order mark at the start and blank lines are skipped.
public struct CSVStream {
  private var record: CSVRecord
  private var pending: [UInt8] = []
  private var atStart = true
  /// The line on which the first unread record begins, counted from 1.
  public private(set) var line = 1

  /// Creates an empty stream.
  ///
  /// - Parameter delimiter: the field separator, a single ASCII character other than a quote or a line break.
  public init(delimiter: UInt8 = UInt8(ascii: ",")) { record = CSVRecord(delimiter: delimiter) }

  /// The number of bytes that have been appended and not been read.
  var pendingCount: Int { pending.count }

  /// Appends the next bytes.
  public mutating func append(_ bytes: RawSpan) {
    bytes.withUnsafeBytes { pending.append(contentsOf: $0) }
  }

  /// Calls `body` with every complete record, the text that contains it, and the line on which it begins.
  ///
  /// - Parameters:
  ///   - isLast: whether the stream has ended, so that the last record needs no line break.
  ///   - body: receives each record.
  /// - Throws: ``SyntaxProblem`` for a malformed record, and what `body` throws.
  public mutating func readRecords(
    isLast: Bool, _ body: (_ record: CSVRecord, _ text: [UInt8], _ line: Int) throws -> Void
  ) throws {
    // A byte order mark has three bytes.
    guard isLast || !atStart || pending.count >= 3 else { return }
    let text = pending
    pending = []
    let span = text.span
    var position = 0
    if atStart, text.starts(with: byteOrderMark) { position = byteOrderMark.count }
    atStart = false
    while position < span.count,
      let next = try record.read(span, from: position, isLast: isLast, line: line)
    {
      if !record.isBlank { try body(record, text, line) }
      line += 1 + record.innerLines
      position = next
    }
    pending = Array(text[position...])
  }
}

/// U+FEFF in UTF-8. It is not part of CSV or JSON, but some editors write it at the start of every file.
let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
