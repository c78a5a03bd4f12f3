import CSimdJSON

/// Reads rows to predict from CSV (RFC 4180) with a header line of features, in any order. An empty field is a missing
/// value; blank lines and a byte order mark are passed over.
public final class CSVPredictionReader: PredictionStreamReader {
  private let schema: RowSchema
  private let format: CSVFormat
  private let rows: RowBuffer
  private var record: CSVRecord
  private var header: CSVHeader?
  private var pending: [UInt8] = []
  private var atStart = true
  private var line = 1
  private let longestLine = StreamLimits().longestLine

  /// Reads rows of this schema.
  public init(schema: RowSchema, format: CSVFormat = CSVFormat()) {
    self.schema = schema
    self.format = format
    rows = RowBuffer(schema: schema, labelled: false)
    record = CSVRecord(delimiter: format.delimiter)
  }

  /// Takes the next bytes; see ``PredictionStreamReader``.
  public func feed(_ bytes: [UInt8]) throws -> PredictionChunk? {
    pending.append(contentsOf: bytes)
    // A record that is not complete yet is read again from its start: only when there is a line break to complete it.
    guard bytes.contains(UInt8(ascii: "\n")) else {
      guard pending.count <= longestLine else { throw SyntaxProblem(.tooLarge, line: line) }
      return nil
    }
    return try readRecords(isLast: false)
  }

  /// Ends the stream; see ``PredictionStreamReader``.
  public func finish() throws -> PredictionChunk? {
    let chunk = try readRecords(isLast: true)
    guard header != nil else { throw SyntaxProblem(.empty) }
    return chunk
  }

  private func readRecords(isLast: Bool) throws -> PredictionChunk? {
    // Enough to tell a byte order mark.
    guard isLast || !atStart || pending.count >= 3 else { return nil }
    let text = pending
    pending = []
    let span = text.span
    var position = 0
    if atStart, text.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    atStart = false
    var refused: [PredictionChunk.Refused] = []
    while position < span.count,
      let next = try record.read(span, from: position, isLast: isLast, line: line)
    {
      if let header {
        if !record.isBlank { try readRow(text, header, &refused) }
      } else if !record.isBlank {
        try readHeader(text)
      }
      line += 1 + record.innerLines
      position = next
    }
    pending = Array(text[position...])
    guard pending.count <= longestLine else { throw SyntaxProblem(.tooLarge, line: line) }
    let batch = try rows.takeBatch()
    return batch.count + refused.count > 0 ? PredictionChunk(batch: batch, refused: refused) : nil
  }

  // Not inlined: Swift 6.3.1 crashes in SILCombine when it optimises it as a part of `readRecords`.
  @inline(never)
  private func readHeader(_ text: [UInt8]) throws {
    header = try CSVHeader(
      names: record.fields.map { record.bytes(of: $0, in: text) }, schema: schema, format: format,
      labelled: false)
  }

  private func readRow(
    _ text: [UInt8], _ header: CSVHeader, _ refused: inout [PredictionChunk.Refused]
  ) throws {
    try rows.read(record, of: text, header, line: line)
    guard rows.isRefused, let problems = try rows.takeProblems(describe) else { return }
    refused.append(.init(position: rows.count + refused.count, line: line, problems: problems))
  }

  private func describe(_ problem: vj_problem, _ name: String, _ found: String) -> InputProblem {
    InputProblem(
      line: Int(clamping: problem.row), column: problem.place == .VJ_AT_FEATURE ? name : nil,
      detail: detail(problem, name, found: found, schema: schema))
  }
}
