import RowFormats
import VerdictCore

/// The location of an error in a request: a JSON Pointer or line of the body, or the name of a parameter or header field.
struct ErrorLocation: Sendable {
  var pointer: String?
  var line: Int?
  var column: String?
  var parameter: String?
  var detail: String

  /// Creates a location. Names come from the client and may have any length, so they are truncated.
  init(
    pointer: String? = nil, line: Int? = nil, column: String? = nil, parameter: String? = nil, detail: String
  ) {
    self.pointer = pointer?.shortened(to: Self.longest)
    self.line = line
    self.column = column?.shortened(to: Self.longest)
    self.parameter = parameter?.shortened(to: Self.longest)
    self.detail = detail.shortened(to: Problem.longestDetail)
  }

  /// Maximum number of characters of a name: more than any name of the contract has.
  private static let longest = 1_000

  init(_ problem: InputProblem) {
    self.init(pointer: problem.pointer, line: problem.line, column: problem.column, detail: problem.detail)
  }

  /// The location and the error as one sentence.
  var sentence: String {
    if let line { return "Line \(line)\(column.map { ", column \($0)" } ?? ""): \(detail)." }
    if let parameter { return "\(parameter) \(detail)." }
    if let pointer { return pointer.isEmpty ? "The body \(detail)." : "\(pointer) \(detail)." }
    return "\(detail)."
  }

  /// Writes the location as an object of the problem's `errors`.
  func write(to json: inout JSONWriter) {
    json.object { json in
      if let pointer {
        json.name("pointer")
        json.string(pointer)
      }
      if let line {
        json.name("line")
        json.integer(line)
      }
      if let column {
        json.name("column")
        json.string(column)
      }
      if let parameter {
        json.name("parameter")
        json.string(parameter)
      }
      json.name("detail")
      json.string(detail)
    }
  }
}

extension String {
  /// The text truncated to `limit` characters (Unicode code points, as JSON Schema counts them), with “…” as the last one.
  /// A truncated JSON Pointer stays valid, because an incomplete escape at its end is removed.
  func shortened(to limit: Int) -> String {
    guard utf8.count > limit, unicodeScalars.count > limit else { return self }
    var kept = unicodeScalars.prefix(limit - 1)
    if kept.last == "~" { kept.removeLast() }
    return String(kept) + "…"
  }
}
