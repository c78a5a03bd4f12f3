import CSimdJSON

/// Reads rows to predict from NDJSON (ndjson.org), one `{"features":{…}}` per line.
///
/// Blank lines and a byte order mark are skipped.
public final class NDJSONPredictionReader: PredictionStreamReader {
  private let schema: RowSchema
  private let rows: RowBuffer
  private var lines = LineBuffer()
  private let longestLine = StreamLimits().longestLine
  /// Whether complete lines are unread, because the rows before them were full.
  private var isBehind = false

  /// Creates a reader for rows of `schema`.
  ///
  /// - Parameters:
  ///   - schema: the features.
  ///   - limits: what the stream may expand to.
  public init(schema: RowSchema, limits: RowLimits = RowLimits()) {
    self.schema = schema
    rows = RowBuffer(schema: schema, labelled: false, limits: limits)
  }

  /// Reads the next bytes; see ``PredictionStreamReader``.
  public func feed(_ bytes: [UInt8]) throws -> PredictionChunk? {
    lines.append(bytes.span.bytes)
    return try readOn(isLast: false)
  }

  /// Reads on; see ``PredictionStreamReader``.
  public func more() throws -> PredictionChunk? { isBehind ? try readOn(isLast: false) : nil }

  /// Ends the stream; see ``PredictionStreamReader``.
  public func finish() throws -> PredictionChunk? { try readOn(isLast: true) }

  private func readOn(isLast: Bool) throws -> PredictionChunk? {
    repeat {
      if let chunk = try readLines(isLast: isLast) { return chunk }
    } while isBehind
    guard isLast || lines.count <= longestLine else {
      throw SyntaxProblem(.tooLarge, line: lines.nextLine)
    }
    return nil
  }

  private func readLines(isLast: Bool) throws -> PredictionChunk? {
    let read = try lines.readLines(isLast: isLast) {
      text, first -> (read: (lines: Int, bytes: Int), PredictionChunk?) in
      let read = try rows.readLines(text, firstLine: first)
      guard rows.isRefused else {
        let batch = try rows.takeBatch()
        return (read, batch.count > 0 ? PredictionChunk(batch: batch) : nil)
      }
      _ = try rows.takeBatch()
      rows.discardProblems()
      return (read, try lineByLine(UnsafeRawBufferPointer(rebasing: text[..<read.bytes]), firstLine: first))
    }
    isBehind = read?.isBehind ?? false
    return read?.0
  }

  /// Reads text that has a bad row again, which is slower but attributes the problems to their lines.
  private func lineByLine(_ text: UnsafeRawBufferPointer, firstLine: Int) throws -> PredictionChunk? {
    var refused: [PredictionChunk.Refused] = []
    var line = firstLine
    var start = 0
    while start < text.count {
      let end = text[start...].firstIndex(of: UInt8(ascii: "\n")) ?? text.count - 1
      let before = rows.count
      _ = try rows.readLines(UnsafeRawBufferPointer(rebasing: text[start...end]), firstLine: line)
      if let problems = try rows.takeProblems(describe) {
        refused.append(.init(position: before + refused.count, line: line, problems: problems))
      }
      line += 1
      start = end + 1
    }
    return PredictionChunk(batch: try rows.takeBatch(), refused: refused)
  }

  private func describe(_ problem: vj_problem, _ name: String, _ found: String) -> InputProblem {
    InputProblem(
      line: Int(clamping: problem.row), pointer: pointer(problem, name, row: ""),
      detail: detail(problem, name, found: found, schema: schema))
  }
}
