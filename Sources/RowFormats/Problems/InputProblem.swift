/// One value that a client must correct: its location and the reason.
public struct InputProblem: Sendable, Hashable {
  /// JSON Pointer (RFC 6901) into the body or, together with `line`, into the document on that line; `nil` for CSV.
  public var pointer: String?
  /// Line of an NDJSON or CSV body, counted from 1.
  public var line: Int?
  /// Name of the CSV column.
  public var column: String?
  /// The reason, in words for the author of the input.
  public var detail: String

  /// Creates a problem at a pointer into a JSON body.
  public init(pointer: String, detail: String) {
    self.pointer = pointer
    self.detail = detail
  }

  /// Creates a problem in a line of an NDJSON or CSV body.
  public init(line: Int, pointer: String? = nil, column: String? = nil, detail: String) {
    self.line = line
    self.pointer = pointer
    self.column = column
    self.detail = detail
  }
}

/// The error for an input that is well-formed but has values that are not allowed.
public struct InputProblems: Error, Sendable, Hashable {
  /// The number of problems that are listed; the others are counted only.
  public static let most = 100

  /// The first hundred problems, in the order of the input.
  public var problems: [InputProblem]
  /// The number of all problems.
  public var count: Int

  /// Creates the error from the first of `count` problems.
  public init(_ problems: [InputProblem], count: Int) {
    self.problems = problems
    self.count = count
  }

  /// Creates the error from a single problem.
  public init(_ problem: InputProblem) {
    self.init([problem], count: 1)
  }
}

extension InputProblems: CustomStringConvertible {
  /// The first problem and the number of others.
  public var description: String {
    guard let first = problems.first else { return "no problem" }
    var location: [String] = []
    if let line = first.line { location.append("line \(line)") }
    if let column = first.column { location.append("column \(column)") }
    if let pointer = first.pointer { location.append(pointer) }
    let more = count > 1 ? " (and \(count - 1) more)" : ""
    return location.joined(separator: ", ") + ": " + first.detail + more
  }
}
