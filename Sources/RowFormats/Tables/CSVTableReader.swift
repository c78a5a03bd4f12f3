/// Reads CSV (RFC 4180) with a header line as a table without a schema.
public final class CSVTableReader: TableReader {
  /// The names of the columns; see ``TableReader``.
  public private(set) var columns: [String] = []
  /// The number of rows; see ``TableReader``.
  public private(set) var rows = 0
  /// The bytes of an incomplete row; see ``TableReader``.
  public var pendingCount: Int { head.count + (stream?.pendingCount ?? 0) }
  /// The field separator: the given one, or the one that the header line uses most. `nil` before the header line.
  public private(set) var delimiter: UInt8?
  /// Whether trimming has changed a name; see ``TableReader``.
  public private(set) var hasTrimmedNames = false

  private let trimsNames: Bool
  private let columnsAtMost: Int
  private let candidates: [UInt8]
  /// The bytes before the separator is known.
  private var head: [UInt8] = []
  private var stream: CSVStream?
  private var problems = TableProblems()
  private let longestLine = StreamLimits().longestLine

  /// Creates a reader.
  ///
  /// - Parameters:
  ///   - delimiter: the field separator; `nil` for the one of comma, semicolon and tab that the header line uses most.
  ///   - decimal: the decimal separator, which is not taken for a field separator.
  ///   - trimsNames: whether spaces around the names of the header line are removed.
  ///   - columnsAtMost: the largest number of columns beside the label.
  public init(
    delimiter: UInt8? = nil, decimal: UInt8 = UInt8(ascii: "."), trimsNames: Bool = false, columnsAtMost: Int
  ) {
    self.delimiter = delimiter
    self.trimsNames = trimsNames
    self.columnsAtMost = columnsAtMost
    candidates = [UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\t")].filter { $0 != decimal }
    stream = delimiter.map { CSVStream(delimiter: $0) }
  }

  /// Reads the next bytes; see ``TableReader``.
  public func read(_ bytes: [UInt8], _ receive: (_ column: Int, _ cell: TableCell) -> Void) throws {
    if stream == nil {
      head.append(contentsOf: bytes)
      guard Self.headerLine(head) != nil || head.count > longestLine else { return }
      detect()
    } else {
      stream?.append(bytes.span.bytes)
    }
    try readRecords(isLast: false, receive)
    try stream?.checkLength(atMost: longestLine)
  }

  /// Ends the stream; see ``TableReader``.
  public func finish(isCut: Bool, _ receive: (_ column: Int, _ cell: TableCell) -> Void) throws {
    if stream == nil { detect() }
    if !isCut { try readRecords(isLast: true, receive) }
    guard !columns.isEmpty else { throw SyntaxProblem(.empty) }
    try problems.check()
    guard rows > 0 else {
      throw InputProblems(InputProblem(line: stream?.line ?? 1, detail: "there are no rows"))
    }
  }

  /// The first line that is not blank, if it is complete.
  private static func headerLine(_ text: [UInt8]) -> ArraySlice<UInt8>? {
    guard let start = text.firstIndex(where: { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }),
      let end = text[start...].firstIndex(of: UInt8(ascii: "\n"))
    else { return nil }
    return text[start..<end]
  }

  private func detect() {
    let line = Self.headerLine(head) ?? head[...]
    var isQuoted = false
    var counts: [UInt8: Int] = [:]
    for byte in line {
      if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
      if !isQuoted, candidates.contains(byte) { counts[byte, default: 0] += 1 }
    }
    var best = candidates[0]
    for candidate in candidates where counts[candidate] ?? 0 > counts[best] ?? 0 { best = candidate }
    var stream = CSVStream(delimiter: best)
    stream.append(head.span.bytes)
    head = []
    delimiter = best
    self.stream = stream
  }

  private func readRecords(isLast: Bool, _ receive: (Int, TableCell) -> Void) throws {
    try stream?.readRecords(isLast: isLast) { record, text, line in
      guard !columns.isEmpty else { return try readHeader(record, text, line) }
      guard record.fields.count == columns.count else {
        problems.add(
          InputProblem(
            line: line, detail: "the line has \(record.fields.count) fields, the header \(columns.count)"))
        return
      }
      if let invalid = record.invalidField {
        problems.add(InputProblem(line: line, column: columns[invalid], detail: "is not valid UTF-8"))
        return
      }
      rows += 1
      for (index, field) in record.fields.enumerated() where field.count > 0 {
        receive(index, .field(String(decoding: record.bytes(of: field, in: text), as: UTF8.self)))
      }
    }
  }

  private func readHeader(_ record: CSVRecord, _ text: [UInt8], _ line: Int) throws {
    guard record.invalidField == nil else { throw SyntaxProblem(.invalidUTF8, line: line) }
    guard record.fields.count <= columnsAtMost + 1 else {
      throw InputProblems.tooManyColumns(line: line, most: columnsAtMost)
    }
    var names: Set<String> = []
    columns = record.strings(in: text).map { given in
      var name = given.normalized
      if trimsNames {
        let trimmed = name.trimmingSpaces
        hasTrimmedNames = hasTrimmedNames || trimmed != name
        name = trimmed
      }
      if !names.insert(name).inserted {
        problems.add(InputProblem(line: line, column: name, detail: "the header names this column twice"))
      }
      return name
    }
  }
}

extension String {
  /// The text without spaces and tabs at both ends, as numbers in CSV are read.
  public var trimmingSpaces: String {
    func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    guard let first = utf8.first, let last = utf8.last, isSpace(first) || isSpace(last) else { return self }
    guard let start = utf8.firstIndex(where: { !isSpace($0) }),
      let end = utf8.lastIndex(where: { !isSpace($0) })
    else { return "" }
    return String(self[start...end])
  }
}
