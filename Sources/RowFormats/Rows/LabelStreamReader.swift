/// Reads labelled rows from a stream in bounded memory.
///
/// Feed the reader all chunks, store each batch that it returns, then call `finish` until it returns `nil`. Problems are reported at the
/// end, all together, so batches that were returned earlier may have to be rolled back: `finish` throws, or, under
/// ``RowErrorPolicy/skip``, ``skipped`` lists the rows that were left out.
public protocol LabelStreamReader: AnyObject {
  /// Reads the next bytes, which may be split anywhere.
  ///
  /// - Returns: a batch once enough rows have been read. Some of the bytes may still be unread: ``more()`` reads them.
  /// - Throws: ``SyntaxProblem`` where reading cannot continue, and the errors of ``RowLimits``.
  func feed(_ chunk: RawSpan) throws -> RowBatch?

  /// Reads on in the bytes that ``feed(_:)-(RawSpan)`` has left unread.
  ///
  /// - Returns: the next batch; `nil` if more bytes are needed.
  /// - Throws: as ``feed(_:)-(RawSpan)``.
  func more() throws -> RowBatch?

  /// Ends the stream.
  ///
  /// - Returns: the next of the remaining rows; `nil` after the last ones.
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
