import CSimdJSON

/// Reads labelled rows from CSV (RFC 4180) with a header line, its columns in any order.
///
/// An empty field is a missing value, quoted or not: there is no category with the empty name. Blank lines are passed over; a byte order mark is, too.
public final class CSVLabelReader: LabelStreamReader {
  private let schema: RowSchema
  private let format: CSVFormat
  private let rowsPerBatch: Int
  private let limits: StreamLimits
  private let rows: RowBuffer
  private var record: CSVRecord
  private var header: CSVHeader?
  private var pending: [UInt8] = []
  /// Reading begins again only when this much is pending, so that a long record is not scanned for every chunk.
  private var wanted = 0
  private var atStart = true
  private var line = 1
  private var anyRows = false
  /// The records that were left out; see `LabelStreamReader`.
  public private(set) var skipped = SkippedRows.none

  /// Reads rows of this schema; a batch is handed out once it has `rowsPerBatch` rows or more.
  public convenience init(
    schema: RowSchema, format: CSVFormat = CSVFormat(), onError: RowErrorPolicy = .fail,
    rowsPerBatch: Int = 10_000
  ) {
    self.init(
      schema: schema, format: format, onError: onError, rowsPerBatch: rowsPerBatch, limits: StreamLimits())
  }

  init(
    schema: RowSchema, format: CSVFormat, onError: RowErrorPolicy = .fail, rowsPerBatch: Int,
    limits: StreamLimits
  ) {
    self.schema = schema
    self.limits = limits
    wanted = limits.piece
    self.format = format
    self.rowsPerBatch = rowsPerBatch
    rows = RowBuffer(schema: schema, labelled: true, onError: onError)
    record = CSVRecord(delimiter: format.delimiter)
  }

  /// Takes the next bytes; see `LabelStreamReader`.
  public func feed(_ chunk: RawSpan) throws -> RowBatch? {
    chunk.withUnsafeBytes { pending.append(contentsOf: $0) }
    guard pending.count >= wanted else { return nil }
    try readRecords(isLast: false)
    guard pending.count <= limits.longestLine else { throw SyntaxProblem(.tooLarge, line: line) }
    wanted = pending.count + limits.piece
    guard rows.count >= rowsPerBatch else { return nil }
    return try take()
  }

  /// Ends the stream; see `LabelStreamReader`.
  public func finish() throws -> RowBatch? {
    try readRecords(isLast: true)
    guard header != nil else { throw SyntaxProblem(.empty) }
    skipped = try rows.finish { [schema, format] problem, name, found in
      let column: String? =
        switch problem.place {
        case .VJ_AT_FEATURE: name
        case .VJ_AT_ROW_MEMBER: name == "key" ? format.keyColumn ?? schema.keyColumn : schema.labelName
        default: nil
        }
      return InputProblem(
        line: Int(clamping: problem.row), column: column,
        detail: detail(problem, name, found: found, schema: schema))
    }
    let batch = rows.count > 0 ? try take() : nil
    guard anyRows || skipped.count > 0 else {
      throw InputProblems(InputProblem(line: line, detail: "there are no rows"))
    }
    return batch
  }

  private func take() throws -> RowBatch? {
    let batch = try rows.takeBatch()
    anyRows = anyRows || batch.count > 0
    return rows.isRefused ? nil : batch
  }

  /// Reads all records that are complete and drops their text.
  private func readRecords(isLast: Bool) throws {
    // Enough to tell a byte order mark.
    guard isLast || !atStart || pending.count >= 3 else { return }
    let text = pending
    pending = []
    let span = text.span
    var position = 0
    if atStart, text.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    atStart = false
    while position < span.count,
      let next = try record.read(span, from: position, isLast: isLast, line: line)
    {
      if let header {
        if !record.isBlank { try readRow(text, header) }
      } else if !record.isBlank {
        try readHeader(text)
      }
      line += 1 + record.innerLines
      position = next
    }
    pending = Array(text[position...])
  }

  // Not inlined: Swift 6.3.1 crashes in SILCombine when it optimises it as a part of `readRecords`.
  @inline(never)
  private func readHeader(_ text: [UInt8]) throws {
    header = try CSVHeader(
      names: record.fields.map { record.bytes(of: $0, in: text) }, schema: schema, format: format)
  }

  private func readRow(_ text: [UInt8], _ header: CSVHeader) throws {
    for filter in header.filters where filter.column < record.fields.count {
      guard record.bytes(of: record.fields[filter.column], in: text) == filter.value else { return }
    }
    try rows.read(record, of: text, header, line: line)
  }
}
