import CSimdJSON

/// Reads labelled rows from NDJSON (ndjson.org), one `{"features":{…},"label":0|1,"key"?}` per line.
///
/// Blank lines and a byte order mark are skipped. A malformed line is a problem of that line and does not hide those of
/// others.
public final class NDJSONLabelReader: LabelStreamReader {
  private let schema: RowSchema
  private let rowsPerBatch: Int
  private let limits: StreamLimits
  private let rows: RowBuffer
  private var lines = LineBuffer()
  /// The number of pending bytes at which reading resumes, so that a long line is not searched for every chunk.
  private var threshold: Int
  private var anyRows = false
  /// Whether complete lines are unread, because the rows before them were full.
  private var isBehind = false
  private var isFinished = false
  /// The lines that were left out; see ``LabelStreamReader/skipped``.
  public private(set) var skipped = SkippedRows.none

  /// Creates a reader for rows of `schema`.
  ///
  /// - Parameters:
  ///   - schema: the features and the outcome.
  ///   - onError: what becomes of an invalid row.
  ///   - rowsPerBatch: number of rows from which on a batch is returned.
  ///   - rowLimits: what the stream may expand to.
  public convenience init(
    schema: RowSchema, onError: RowErrorPolicy = .fail, rowsPerBatch: Int = 10_000,
    rowLimits: RowLimits = RowLimits()
  ) {
    self.init(
      schema: schema, onError: onError, rowsPerBatch: rowsPerBatch, limits: StreamLimits(),
      rowLimits: rowLimits)
  }

  init(
    schema: RowSchema, onError: RowErrorPolicy = .fail, rowsPerBatch: Int, limits: StreamLimits,
    rowLimits: RowLimits = RowLimits()
  ) {
    self.schema = schema
    self.limits = limits
    threshold = limits.piece
    self.rowsPerBatch = rowsPerBatch
    rows = RowBuffer(schema: schema, labelled: true, onError: onError, limits: rowLimits)
  }

  /// Reads the next bytes; see ``LabelStreamReader``.
  public func feed(_ chunk: RawSpan) throws -> RowBatch? {
    lines.append(chunk)
    guard lines.count >= threshold else { return nil }
    return try readOn()
  }

  /// Reads on; see ``LabelStreamReader``.
  public func more() throws -> RowBatch? { isBehind ? try readOn() : nil }

  private func readOn() throws -> RowBatch? {
    repeat {
      try readLines(isLast: false)
      if !isBehind {
        guard lines.count <= limits.longestLine else {
          throw SyntaxProblem(.tooLarge, line: lines.nextLine)
        }
        threshold = lines.count + limits.piece
      }
      if isBehind || rows.count >= rowsPerBatch, let batch = try takeBatch() { return batch }
    } while isBehind
    return nil
  }

  /// Ends the stream; see ``LabelStreamReader``.
  public func finish() throws -> RowBatch? {
    guard !isFinished else { return nil }
    try readLines(isLast: true)
    while isBehind {
      if let batch = try takeBatch() { return batch }
      try readLines(isLast: true)
    }
    isFinished = true
    skipped = try rows.finish { [schema] problem, name, found in
      InputProblem(
        line: Int(clamping: problem.row), pointer: pointer(problem, name, row: ""),
        detail: detail(problem, name, found: found, schema: schema))
    }
    let batch = rows.count > 0 ? try takeBatch() : nil
    guard anyRows || skipped.count > 0 else {
      throw InputProblems(InputProblem(line: 1, detail: "there are no rows"))
    }
    return batch
  }

  private func readLines(isLast: Bool) throws {
    let read = try lines.readLines(isLast: isLast) { (try rows.readLines($0, firstLine: $1), ()) }
    isBehind = read?.isBehind ?? false
  }

  private func takeBatch() throws -> RowBatch? {
    let batch = try rows.takeBatch()
    anyRows = anyRows || batch.count > 0
    return rows.isRefused ? nil : batch
  }
}
