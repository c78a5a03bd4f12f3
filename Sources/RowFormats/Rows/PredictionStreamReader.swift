/// Reads rows to predict from a stream in bounded memory. A bad row does not affect the others.
public protocol PredictionStreamReader: AnyObject {
  /// Reads the next bytes, which may be split anywhere.
  ///
  /// - Returns: the rows that are complete now, if any. Some of them may still be unread: ``more()`` reads them.
  /// - Throws: ``SyntaxProblem`` or ``InputProblems`` where reading cannot continue, and the errors of ``RowLimits``.
  func feed(_ bytes: [UInt8]) throws -> PredictionChunk?

  /// Reads on in the bytes that ``feed(_:)`` has left unread.
  ///
  /// - Returns: the next rows; `nil` if more bytes are needed.
  /// - Throws: as ``feed(_:)``.
  func more() throws -> PredictionChunk?

  /// Ends the stream. The last row needs no line break.
  ///
  /// - Returns: the next of the remaining rows; `nil` after the last ones.
  func finish() throws -> PredictionChunk?
}

/// Consecutive rows of a stream: those that can be predicted, and the position of each that was refused.
public struct PredictionChunk: Sendable {
  /// A row that was refused.
  public struct Refused: Sendable {
    /// The number of rows of the chunk, good and bad, before this one.
    public var position: Int
    /// The line of the stream, counted from 1.
    public var line: Int
    /// The problems of the row.
    public var problems: InputProblems
  }

  /// The rows to predict, in their order.
  public var batch: RowBatch
  /// The refused rows, in their order.
  public var refused: [Refused] = []

  /// The number of rows, good and bad.
  public var count: Int { batch.count + refused.count }
}
