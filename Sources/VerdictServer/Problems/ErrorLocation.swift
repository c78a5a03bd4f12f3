import RowFormats
import VerdictCore

/// Where in a request a mistake is: in the body by pointer or line, or in a parameter or header by its name.
struct ErrorLocation: Sendable {
  var pointer: String?
  var line: Int?
  var column: String?
  var parameter: String?
  var detail: String

  /// Names that a client has made up may be of any length; they are shown as far as it takes to recognise them.
  init(
    pointer: String? = nil, line: Int? = nil, column: String? = nil, parameter: String? = nil, detail: String
  ) {
    self.pointer = pointer?.shortened(to: Self.longest)
    self.line = line
    self.column = column?.shortened(to: Self.longest)
    self.parameter = parameter?.shortened(to: Self.longest)
    self.detail = detail.shortened(to: Problem.longestDetail)
  }

  /// How many characters each of the names may have: more than any that the contract knows.
  private static let longest = 1_000

  init(_ problem: InputProblem) {
    self.init(pointer: problem.pointer, line: problem.line, column: problem.column, detail: problem.detail)
  }

  /// The place and what is wrong there, as one sentence.
  var sentence: String {
    if let line { return "Line \(line)\(column.map { ", column \($0)" } ?? ""): \(detail)." }
    if let parameter { return "\(parameter) \(detail)." }
    if let pointer { return pointer.isEmpty ? "The body \(detail)." : "\(pointer) \(detail)." }
    return "\(detail)."
  }

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
  /// At most so many characters (Unicode code points, as JSON Schema counts them), the last of them “…” if some are left out.
  /// Half an escape of a JSON Pointer is left out, too, so that what was a pointer still is one.
  func shortened(to limit: Int) -> String {
    guard utf8.count > limit, unicodeScalars.count > limit else { return self }
    var kept = unicodeScalars.prefix(limit - 1)
    if kept.last == "~" { kept.removeLast() }
    return String(kept) + "…"
  }
}
