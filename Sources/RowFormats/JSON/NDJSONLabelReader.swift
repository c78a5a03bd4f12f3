import CSimdJSON

/// Reads labelled rows of one JSON document a line (ndjson.org): `{"features":{…},"label":0|1,"key"?}`.
///
/// Blank lines are passed over. A malformed line is a problem of that line and does not hide those of others.
public final class NDJSONLabelReader: LabelStreamReader {
  private let schema: RowSchema
  private let rowsPerBatch: Int
  private let limits: StreamLimits
  private let rows: RowBuffer
  private var pending: [UInt8] = []
  /// Reading begins again only when this much is pending, so that a long line is not searched for every chunk.
  private var wanted = 0
  private var nextLine: UInt64 = 1
  private var anyRows = false
  /// The lines that were left out; see `LabelStreamReader`.
  public private(set) var skipped = SkippedRows.none

  /// Reads rows of this schema; a batch is handed out once it has `rowsPerBatch` rows or more.
  public convenience init(schema: RowSchema, onError: RowErrorPolicy = .fail, rowsPerBatch: Int = 10_000) {
    self.init(schema: schema, onError: onError, rowsPerBatch: rowsPerBatch, limits: StreamLimits())
  }

  init(schema: RowSchema, onError: RowErrorPolicy = .fail, rowsPerBatch: Int, limits: StreamLimits) {
    self.schema = schema
    self.limits = limits
    wanted = limits.piece
    self.rowsPerBatch = rowsPerBatch
    rows = RowBuffer(schema: schema, labelled: true, onError: onError)
  }

  /// Takes the next bytes; see `LabelStreamReader`.
  public func feed(_ chunk: RawSpan) throws -> RowBatch? {
    chunk.withUnsafeBytes { pending.append(contentsOf: $0) }
    guard pending.count >= wanted else { return nil }
    if let newline = pending.lastIndex(of: UInt8(ascii: "\n")) {
      try read(upTo: newline + 1)
    }
    guard pending.count <= limits.longestLine else {
      throw SyntaxProblem(.tooLarge, line: Int(nextLine))
    }
    wanted = pending.count + limits.piece
    guard rows.count >= rowsPerBatch else { return nil }
    return try take()
  }

  /// Ends the stream; see `LabelStreamReader`.
  public func finish() throws -> RowBatch? {
    try read(upTo: pending.count)
    skipped = try rows.finish { [schema] problem, name, found in
      InputProblem(
        line: Int(clamping: problem.row), pointer: pointer(problem, name, row: ""),
        detail: detail(problem, name, found: found, schema: schema))
    }
    let batch = rows.count > 0 ? try take() : nil
    guard anyRows || skipped.count > 0 else {
      throw InputProblems(InputProblem(line: 1, detail: "there are no rows"))
    }
    return batch
  }

  private func read(upTo end: Int) throws {
    let handle = try rows.handle()
    var lines: UInt64 = 0
    // A byte order mark is no JSON, but some editors begin every file with one.
    let mark = nextLine == 1 && pending.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    try pending[mark..<max(mark, end)].withUnsafeBytes {
      vj_read_lines(handle, $0.baseAddress, $0.count, nextLine, &lines)
    }.check()
    nextLine += lines
    pending.removeSubrange(..<end)
  }

  private func take() throws -> RowBatch? {
    let batch = try rows.takeBatch()
    anyRows = anyRows || batch.count > 0
    return rows.isRefused ? nil : batch
  }
}
