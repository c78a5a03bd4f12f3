import VerdictCore

/// Where in a request a mistake is: in the body by pointer or line, or in a parameter or header by its name.
struct Place: Sendable {
  var pointer: String?
  var line: Int?
  var column: String?
  var parameter: String?
  var detail: String

  init(
    pointer: String? = nil, line: Int? = nil, column: String? = nil, parameter: String? = nil, detail: String
  ) {
    self.pointer = pointer
    self.line = line
    self.column = column
    self.parameter = parameter
    self.detail = detail
  }

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
