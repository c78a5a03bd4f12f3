/// Reads NDJSON (ndjson.org) as a table without a schema.
///
/// A line is an object with a member for each column, or a label as it is posted: `{"features": {…}, "label": …}`. The first line
/// decides.
public final class NDJSONTableReader: TableReader {
  /// The names of the columns; see ``TableReader``.
  public private(set) var columns: [String] = []
  /// The number of rows; see ``TableReader``.
  public private(set) var rows = 0
  /// The bytes of an incomplete row; see ``TableReader``.
  public var pendingCount: Int { lines.count }
  /// Whether trimming has changed a name; see ``TableReader``.
  public private(set) var hasTrimmedNames = false
  /// Whether the lines are labels as they are posted. Their outcome is the first column. `nil` before the first line.
  public private(set) var isLabelled: Bool?

  private let label: String
  private let trimsNames: Bool
  private let columnsAtMost: Int
  private var positions: [String: Int] = [:]
  /// The line of the last cell of each column.
  private var lastLines: [Int] = []
  private var lines = LineBuffer()
  private var problems = TableProblems()
  private let longestLine = StreamLimits().longestLine

  /// Creates a reader.
  ///
  /// - Parameters:
  ///   - label: the name of the label's column.
  ///   - trimsNames: whether spaces around the names of members are removed.
  ///   - columnsAtMost: the largest number of columns beside the label.
  public init(label: String, trimsNames: Bool = false, columnsAtMost: Int) {
    self.label = label
    self.trimsNames = trimsNames
    self.columnsAtMost = columnsAtMost
  }

  /// Reads the next bytes; see ``TableReader``.
  public func read(_ bytes: [UInt8], _ receive: (_ column: Int, _ cell: TableCell) -> Void) throws {
    lines.append(bytes.span.bytes)
    try readLines(isLast: false, receive)
    guard lines.count <= longestLine else { throw SyntaxProblem(.tooLarge, line: lines.nextLine) }
  }

  /// Ends the stream; see ``TableReader``.
  public func finish(isCut: Bool, _ receive: (_ column: Int, _ cell: TableCell) -> Void) throws {
    if !isCut { try readLines(isLast: true, receive) }
    try problems.check()
    guard rows > 0 else { throw InputProblems(InputProblem(line: 1, detail: "there are no rows")) }
  }

  private func readLines(isLast: Bool, _ receive: (Int, TableCell) -> Void) throws {
    _ = try lines.readLines(isLast: isLast) { text, firstLine in
      var line = firstLine
      for bytes in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
        try read(Array(bytes), line: line, receive)
        line += 1
      }
      // The text ends with a line feed, or it is the last one.
      return ((line - firstLine - (isLast ? 0 : 1), text.count), ())
    }
  }

  private func read(_ bytes: [UInt8], line: Int, _ receive: (Int, TableCell) -> Void) throws {
    guard bytes.contains(where: { !" \t\r".utf8.contains($0) }) else { return }
    let value: JSONValue
    do {
      value = try JSONValue.parse(bytes.span.bytes, tokensAtMost: 4 * columnsAtMost + 64)
    } catch let error as SyntaxProblem {
      switch error.kind {
      case .outOfMemory: throw error
      case .tooLarge: throw InputProblems.tooManyColumns(line: line, most: columnsAtMost)
      default: problems.add(InputProblem(line: line, detail: error.description + " of the line"))
      }
      return
    } catch let error as InputProblems {
      for problem in error.problems {
        problems.add(InputProblem(line: line, pointer: problem.pointer, detail: problem.detail))
      }
      return
    }
    guard case .object(let object) = value else {
      problems.add(InputProblem(line: line, pointer: "", detail: "must be an object"))
      return
    }
    var row = Row(line: line)
    if try isLabelled(object) {
      if let outcome = object["label"] {
        add(outcome, to: 0, at: "/label", &row)
      }
      if case .object(let features)? = object["features"] {
        try add(features, at: "/features", &row)
      } else {
        row.problems.append(InputProblem(line: line, pointer: "/features", detail: "must be an object"))
      }
    } else {
      try add(object, at: "", &row)
    }
    guard row.problems.isEmpty else { return row.problems.forEach { problems.add($0) } }
    rows += 1
    for (column, cell) in row.cells { receive(column, cell) }
  }

  /// The cells of one line.
  private struct Row {
    let line: Int
    var cells: [(Int, TableCell)] = []
    var problems: [InputProblem] = []
  }

  private func isLabelled(_ first: JSONObject) throws -> Bool {
    if let isLabelled { return isLabelled }
    guard case .object? = first["features"] else {
      isLabelled = false
      return false
    }
    _ = try column(label, line: 1)
    isLabelled = true
    return true
  }

  private func add(_ members: JSONObject, at pointer: String, _ row: inout Row) throws {
    for member in members.members {
      let given = member.name.normalized
      let name = trimsNames ? given.trimmingSpaces : given
      hasTrimmedNames = hasTrimmedNames || name != given
      let column = try column(name, line: row.line)
      let place = JSONPointer.appending(member.name, to: pointer)
      if isLabelled == true, column == 0 {
        row.problems.append(InputProblem(line: row.line, pointer: place, detail: "has the name of the label"))
      } else {
        add(member.value, to: column, at: place, &row)
      }
    }
  }

  private func add(_ value: JSONValue, to column: Int, at pointer: String, _ row: inout Row) {
    guard lastLines[column] != row.line else {
      row.problems.append(
        InputProblem(line: row.line, pointer: pointer, detail: "given twice in one object"))
      return
    }
    lastLines[column] = row.line
    switch value {
    case .null: row.cells.append((column, .missing))
    case .bool(let value): row.cells.append((column, .bool(value)))
    case .number(let number): row.cells.append((column, .number(number.text)))
    case .string(let text): row.cells.append((column, .string(text)))
    case .array, .object:
      row.problems.append(
        InputProblem(
          line: row.line, pointer: pointer,
          detail: "must be a string, a number, a boolean or null, not \(value.kind)"))
    }
  }

  private func column(_ name: String, line: Int) throws -> Int {
    if let position = positions[name] { return position }
    guard columns.count <= columnsAtMost else {
      throw InputProblems.tooManyColumns(line: line, most: columnsAtMost)
    }
    positions[name] = columns.count
    columns.append(name)
    lastLines.append(0)
    return columns.count - 1
  }
}
