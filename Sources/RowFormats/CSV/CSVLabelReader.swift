import CSimdJSON

/// Reads labelled rows from CSV (RFC 4180) with a header line; its columns may have any order.
///
/// An empty field is a missing value, quoted or not: no category has the empty name. ``CSVStream`` says which blank lines are
/// rows.
public final class CSVLabelReader: LabelStreamReader {
  private let schema: RowSchema
  private let format: CSVFormat
  private let rowsPerBatch: Int
  private let limits: StreamLimits
  private let rows: RowBuffer
  private var stream: CSVStream
  private var header: CSVHeader?
  /// The number of pending bytes at which reading resumes, so that a long record is not scanned for every chunk.
  private var threshold: Int
  private var anyRows = false
  /// Whether complete records may be unread, because the rows before them were full.
  private var isBehind = false
  private var isFinished = false
  /// The records that were left out; see ``LabelStreamReader/skipped``.
  public private(set) var skipped = SkippedRows.none

  /// Creates a reader for rows of `schema`.
  ///
  /// - Parameters:
  ///   - schema: the features and the outcome.
  ///   - format: the dialect and the columns of the file.
  ///   - onError: what becomes of an invalid row.
  ///   - rowsPerBatch: number of rows from which on a batch is returned.
  ///   - rowLimits: what the stream may expand to.
  public convenience init(
    schema: RowSchema, format: CSVFormat = CSVFormat(), onError: RowErrorPolicy = .fail,
    rowsPerBatch: Int = 10_000, rowLimits: RowLimits = RowLimits()
  ) {
    self.init(
      schema: schema, format: format, onError: onError, rowsPerBatch: rowsPerBatch, limits: StreamLimits(),
      rowLimits: rowLimits)
  }

  init(
    schema: RowSchema, format: CSVFormat, onError: RowErrorPolicy = .fail, rowsPerBatch: Int,
    limits: StreamLimits, rowLimits: RowLimits = RowLimits()
  ) {
    self.schema = schema
    self.limits = limits
    threshold = limits.piece
    self.format = format
    self.rowsPerBatch = rowsPerBatch
    rows = RowBuffer(schema: schema, labelled: true, onError: onError, limits: rowLimits)
    stream = CSVStream(delimiter: format.delimiter)
  }

  /// Reads the next bytes; see ``LabelStreamReader``.
  public func feed(_ chunk: RawSpan) throws -> RowBatch? {
    stream.append(chunk)
    guard stream.pendingCount >= threshold else { return nil }
    return try readOn()
  }

  /// Reads on; see ``LabelStreamReader``.
  public func more() throws -> RowBatch? { isBehind ? try readOn() : nil }

  private func readOn() throws -> RowBatch? {
    repeat {
      try readRecords(isLast: false)
      if !isBehind {
        try stream.checkLength(atMost: limits.longestLine)
        threshold = stream.pendingCount + limits.piece
      }
      if isBehind || rows.count >= rowsPerBatch, let batch = try takeBatch() { return batch }
    } while isBehind
    return nil
  }

  /// Ends the stream; see ``LabelStreamReader``.
  public func finish() throws -> RowBatch? {
    guard !isFinished else { return nil }
    try readRecords(isLast: true)
    while isBehind {
      if let batch = try takeBatch() { return batch }
      try readRecords(isLast: true)
    }
    isFinished = true
    guard header != nil else { throw SyntaxProblem(.empty) }
    skipped = try rows.finish { [schema, format] problem, name, found in
      InputProblem(
        line: Int(clamping: problem.row), column: format.column(of: problem, name, in: schema),
        detail: detail(problem, name, found: found, schema: schema))
    }
    let batch = rows.count > 0 ? try takeBatch() : nil
    guard anyRows || skipped.count > 0 else {
      throw InputProblems(InputProblem(line: stream.line, detail: "there are no rows"))
    }
    return batch
  }

  private func takeBatch() throws -> RowBatch? {
    let batch = try rows.takeBatch()
    anyRows = anyRows || batch.count > 0
    return rows.isRefused ? nil : batch
  }

  private func readRecords(isLast: Bool) throws {
    try stream.readRecords(isLast: isLast, until: { rows.isFull }) { record, text, line in
      guard let header else {
        header = try CSVHeader(record, of: text, line: line, schema: schema, format: format)
        return
      }
      guard header.keeps(record, of: text) else { return }
      try rows.read(record, of: text, header, line: line)
    }
    isBehind = rows.isFull
  }
}
