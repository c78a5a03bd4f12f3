/// Reads labelled rows from a stream, piece by piece, in bounded memory.
///
/// Feed it the chunks as they come, split anywhere, and store each batch it answers; then call `finish` once. What
/// it refuses it tells at the end, all together, so batches handed out before may have to be undone: by what `finish`
/// throws, or, where such rows are to be skipped (``RowErrorPolicy/skip``), in `skipped`.
public protocol LabelStreamReader: AnyObject {
  /// Takes the next bytes. Answers a batch when enough rows have come together. Throws `SyntaxProblem` where reading
  /// cannot go on.
  func feed(_ chunk: RawSpan) throws -> RowBatch?

  /// Ends the stream. Answers the rows left over, if any. Throws `InputProblems` with line numbers if anything in
  /// the whole stream was refused and may not be skipped, or if it had no rows; `SyntaxProblem` if it ends in the
  /// middle.
  func finish() throws -> RowBatch?

  /// The rows that were left out; known once `finish` has returned.
  var skipped: SkippedRows { get }
}

extension LabelStreamReader {
  /// Takes the next bytes.
  public func feed(_ chunk: [UInt8]) throws -> RowBatch? {
    try feed(chunk.span.bytes)
  }
}

/// Sizes by which the stream readers work.
struct StreamLimits {
  /// Bytes gathered before they are read: many lines at once are faster than each by itself.
  var piece = 128 << 10
  /// Longest line or record.
  var longestLine = 1 << 20
}
