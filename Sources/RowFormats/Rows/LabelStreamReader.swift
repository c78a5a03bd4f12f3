/// Reads labelled rows from a stream in bounded memory.
///
/// Feed the reader all chunks, store each batch that it returns, then call `finish` once. Problems are reported at the
/// end, all together, so batches that were returned earlier may have to be rolled back: `finish` throws, or, under
/// ``RowErrorPolicy/skip``, ``skipped`` lists the rows that were left out.
public protocol LabelStreamReader: AnyObject {
  /// Reads the next bytes, which may be split anywhere.
  ///
  /// - Returns: a batch once enough rows have been read.
  /// - Throws: ``SyntaxProblem`` where reading cannot continue.
  func feed(_ chunk: RawSpan) throws -> RowBatch?

  /// Ends the stream.
  ///
  /// - Returns: the remaining rows, if any.
  /// - Throws: ``InputProblems`` with line numbers if the stream had no rows, or had a problem that may not be skipped;
  ///   ``SyntaxProblem`` if it is truncated.
  func finish() throws -> RowBatch?

  /// The rows that were left out; complete once `finish` has returned.
  var skipped: SkippedRows { get }
}

extension LabelStreamReader {
  /// Reads the next bytes.
  public func feed(_ chunk: [UInt8]) throws -> RowBatch? {
    try feed(chunk.span.bytes)
  }
}

/// The sizes that the stream readers work with.
struct StreamLimits {
  /// The number of bytes to collect before reading: many lines at once are faster than each by itself.
  var piece = 128 << 10
  /// The largest line or record, in bytes.
  var longestLine = 1 << 20
}
