import CSimdJSON

/// Reads rows to predict from CSV (RFC 4180) with a header line of features in any order.
///
/// An empty field is a missing value. ``CSVStream`` says which blank lines are rows.
public final class CSVPredictionReader: PredictionStreamReader {
  private let schema: RowSchema
  private let format: CSVFormat
  private let rows: RowBuffer
  private var stream: CSVStream
  private var header: CSVHeader?
  private let longestLine = StreamLimits().longestLine
  /// Whether complete records may be unread, because the rows before them were full.
  private var isBehind = false

  /// Creates a reader for rows of `schema`.
  ///
  /// - Parameters:
  ///   - schema: the features.
  ///   - format: the dialect of the file.
  ///   - limits: what the stream may expand to.
  public init(schema: RowSchema, format: CSVFormat = CSVFormat(), limits: RowLimits = RowLimits()) {
    self.schema = schema
    self.format = format
    rows = RowBuffer(schema: schema, labelled: false, limits: limits)
    stream = CSVStream(delimiter: format.delimiter)
  }

  /// Reads the next bytes; see ``PredictionStreamReader``.
  public func feed(_ bytes: [UInt8]) throws -> PredictionChunk? {
    stream.append(bytes.span.bytes)
    // An incomplete record is read again from its start, so this waits for a line break that may complete it.
    guard bytes.contains(UInt8(ascii: "\n")) else {
      try stream.checkLength(atMost: longestLine)
      return nil
    }
    return try readRecords(isLast: false)
  }

  /// Reads on; see ``PredictionStreamReader``.
  public func more() throws -> PredictionChunk? { isBehind ? try readRecords(isLast: false) : nil }

  /// Ends the stream; see ``PredictionStreamReader``.
  public func finish() throws -> PredictionChunk? {
    let chunk = try readRecords(isLast: true)
    guard header != nil else { throw SyntaxProblem(.empty) }
    return chunk
  }

  private func readRecords(isLast: Bool) throws -> PredictionChunk? {
    var refused: [PredictionChunk.Refused] = []
    try stream.readRecords(isLast: isLast, until: { rows.isFull }) { record, text, line in
      guard let header else {
        header = try CSVHeader(
          record, of: text, line: line, schema: schema, format: format, labelled: false)
        return
      }
      try rows.read(record, of: text, header, line: line)
      guard rows.isRefused, let problems = try rows.takeProblems(describe) else { return }
      refused.append(.init(position: rows.count + refused.count, line: line, problems: problems))
    }
    isBehind = rows.isFull
    if !isBehind { try stream.checkLength(atMost: longestLine) }
    let batch = try rows.takeBatch()
    return batch.count + refused.count > 0 ? PredictionChunk(batch: batch, refused: refused) : nil
  }

  private func describe(_ problem: vj_problem, _ name: String, _ found: String) -> InputProblem {
    InputProblem(
      line: Int(clamping: problem.row), column: format.column(of: problem, name, in: schema),
      detail: detail(problem, name, found: found, schema: schema))
  }
}
