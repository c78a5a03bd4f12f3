import CSimdJSON

/// What has been read of a stream of rows to predict: the rows, and what stands in the place of those that were refused.
public struct PredictionChunk: Sendable {
  /// A row that was refused.
  public struct Refused: Sendable {
    /// How many rows of the chunk, good and bad, come before it.
    public var position: Int
    /// Its line in the stream, from 1.
    public var line: Int
    /// What is wrong with it.
    public var problems: InputProblems
  }

  /// The rows that can be answered, in their order.
  public var batch: RowBatch
  /// The others, in their order.
  public var refused: [Refused] = []

  /// How many rows there are, good and bad.
  public var count: Int { batch.count + refused.count }
}

/// Reads rows to predict from a stream, piece by piece: each row is good or bad for itself.
public protocol PredictionStreamReader: AnyObject {
  /// Takes the next bytes, split anywhere, and answers the rows that are complete now, if any. Throws `SyntaxProblem` or
  /// `InputProblems` where reading cannot go on.
  func feed(_ bytes: [UInt8]) throws -> PredictionChunk?

  /// Ends the stream: the last row may lack its line break.
  func finish() throws -> PredictionChunk?
}

/// Reads rows to predict as one JSON document a line, `{"features":{…}}`. Blank lines are passed over.
public final class NDJSONPredictionReader: PredictionStreamReader {
  private let schema: RowSchema
  private let rows: RowBuffer
  private var pending: [UInt8] = []
  private var nextLine = 1
  private let longestLine = StreamLimits().longestLine

  /// Reads rows of this schema.
  public init(schema: RowSchema) {
    self.schema = schema
    rows = RowBuffer(schema: schema, labelled: false)
  }

  /// Takes the next bytes; see ``PredictionStreamReader``.
  public func feed(_ bytes: [UInt8]) throws -> PredictionChunk? {
    pending.append(contentsOf: bytes)
    guard let newline = pending.lastIndex(of: UInt8(ascii: "\n")) else {
      guard pending.count <= longestLine else { throw SyntaxProblem(.tooLarge, line: nextLine) }
      return nil
    }
    let chunk = try read(upTo: newline + 1)
    guard pending.count <= longestLine else { throw SyntaxProblem(.tooLarge, line: nextLine) }
    return chunk
  }

  /// Ends the stream; see ``PredictionStreamReader``.
  public func finish() throws -> PredictionChunk? { try read(upTo: pending.count) }

  private func read(upTo end: Int) throws -> PredictionChunk? {
    // A byte order mark is no JSON, but some editors begin every file with one.
    let mark = nextLine == 1 && pending.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    let text = pending[mark..<max(mark, end)]
    let first = nextLine
    nextLine += try text.withUnsafeBytes { try read($0, into: rows, line: first) }
    defer { pending.removeSubrange(..<end) }
    guard rows.isRefused else {
      let batch = try rows.takeBatch()
      return batch.count > 0 ? PredictionChunk(batch: batch) : nil
    }
    _ = try rows.takeBatch()
    rows.discardProblems()
    return try text.withUnsafeBytes { try lineByLine($0, line: first) }
  }

  private func read(_ text: UnsafeRawBufferPointer, into rows: RowBuffer, line: Int) throws -> Int {
    var lines: UInt64 = 0
    try vj_read_lines(
      rows.handle(), text.baseAddress?.assumingMemoryBound(to: UInt8.self), text.count, UInt64(line), &lines
    ).check()
    return Int(lines)
  }

  /// The slower way, for text with a bad row: to know which.
  private func lineByLine(_ text: UnsafeRawBufferPointer, line first: Int) throws -> PredictionChunk? {
    var refused: [PredictionChunk.Refused] = []
    var line = first
    var start = 0
    while start < text.count {
      let end = text[start...].firstIndex(of: UInt8(ascii: "\n")) ?? text.count - 1
      let before = rows.count
      _ = try read(UnsafeRawBufferPointer(rebasing: text[start...end]), into: rows, line: line)
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
