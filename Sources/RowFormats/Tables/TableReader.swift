/// Reads a stream whose columns are not known before.
///
/// Feed the reader all bytes, then call `finish`, which throws the problems of all rows together.
public protocol TableReader: AnyObject {
  /// The names of the columns so far, in normalization form C and in the order of the file.
  var columns: [String] { get }
  /// The number of rows so far.
  var rows: Int { get }
  /// Whether trimming has changed a name.
  var hasTrimmedNames: Bool { get }
  /// The number of bytes that wait for the end of their row.
  var pendingCount: Int { get }

  /// Reads the next bytes, which may be split anywhere.
  ///
  /// - Parameters:
  ///   - bytes: the next bytes.
  ///   - receive: receives each cell of the rows that are complete, with the index of its column. Cells of columns that
  ///     a row lacks are not reported.
  /// - Throws: ``SyntaxProblem`` where reading cannot continue; ``InputProblems`` for too many columns.
  func read(_ bytes: [UInt8], _ receive: (_ column: Int, _ cell: TableCell) -> Void) throws

  /// Ends the stream.
  ///
  /// - Parameters:
  ///   - isCut: whether the file goes on beyond the bytes that were read, so that an incomplete last row is left out.
  ///   - receive: receives the remaining cells.
  /// - Throws: as ``read(_:_:)``, and ``InputProblems`` with line numbers if rows were malformed, or there were none.
  func finish(isCut: Bool, _ receive: (_ column: Int, _ cell: TableCell) -> Void) throws
}
