import CSimdJSON

/// Reads rows to predict from NDJSON (ndjson.org), one `{"features":{…}}` per line.
///
/// Blank lines and a byte order mark are skipped.
public final class NDJSONPredictionReader: PredictionStreamReader {
  private let schema: RowSchema
  private let rows: RowBuffer
  private var lines = LineBuffer()
  private let longestLine = StreamLimits().longestLine

  /// Creates a reader for rows of `schema`.
  public init(schema: RowSchema) {
    self.schema = schema
    rows = RowBuffer(schema: schema, labelled: false)
  }

  /// Reads the next bytes; see ``PredictionStreamReader``.
  public func feed(_ bytes: [UInt8]) throws -> PredictionChunk? {
    lines.append(bytes.span.bytes)
    let chunk = try readLines(isLast: false)
    guard lines.count <= longestLine else { throw SyntaxProblem(.tooLarge, line: lines.nextLine) }
    return chunk
  }

  /// Ends the stream; see ``PredictionStreamReader``.
  public func finish() throws -> PredictionChunk? { try readLines(isLast: true) }

  private func readLines(isLast: Bool) throws -> PredictionChunk? {
    try lines.readLines(isLast: isLast) { text, first -> (lines: Int, PredictionChunk?) in
      let count = try rows.readLines(text, firstLine: first)
      guard rows.isRefused else {
        let batch = try rows.takeBatch()
        return (count, batch.count > 0 ? PredictionChunk(batch: batch) : nil)
      }
      _ = try rows.takeBatch()
      rows.discardProblems()
      return (count, try lineByLine(text, firstLine: first))
    } ?? nil
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
