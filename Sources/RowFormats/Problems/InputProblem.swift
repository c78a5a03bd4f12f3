/// One thing wrong with what a client sent: where it is and what would be right.
public struct InputProblem: Sendable, Hashable {
  /// JSON Pointer (RFC 6901) into the body, or, together with `line`, into that line's document; `nil` for CSV.
  public var pointer: String?
  /// Line of an NDJSON or CSV body, counted from 1.
  public var line: Int?
  /// Name of the CSV column.
  public var column: String?
  /// What is wrong, in a sentence for whoever wrote the input.
  public var detail: String

  /// A problem at a pointer into a JSON body.
  public init(pointer: String, detail: String) {
    self.pointer = pointer
    self.detail = detail
  }

  /// A problem in a line of an NDJSON or CSV body.
  public init(line: Int, pointer: String? = nil, column: String? = nil, detail: String) {
    self.line = line
    self.pointer = pointer
    self.column = column
    self.detail = detail
  }
}

/// All that is wrong with an input: it was well-formed, but said something that is not allowed.
public struct InputProblems: Error, Sendable, Hashable {
  /// How many problems are told one by one.
  public static let most = 100

  /// The first hundred problems, in the order of the input.
  public var problems: [InputProblem]
  /// How many there were in all.
  public var count: Int

  /// The first of `count` problems.
  public init(_ problems: [InputProblem], count: Int) {
    self.problems = problems
    self.count = count
  }

  /// A single problem.
  public init(_ problem: InputProblem) {
    self.init([problem], count: 1)
  }
}

extension InputProblems: CustomStringConvertible {
  /// The first problem, and how many more there are.
  public var description: String {
    guard let first = problems.first else { return "no problem" }
    var place: [String] = []
    if let line = first.line { place.append("line \(line)") }
    if let column = first.column { place.append("column \(column)") }
    if let pointer = first.pointer { place.append(pointer) }
    let more = count > 1 ? " (and \(count - 1) more)" : ""
    return place.joined(separator: ", ") + ": " + first.detail + more
  }
}
