package import Foundation
package import RowFormats

/// Reads the true outcomes of many predictions from JSON (`{"labels":[{"id":"…","label":0|1|null}]}`), from NDJSON with one
/// such object per line, or from CSV with the columns `id` and `label`. A null or empty label removes the outcome. A `reference`
/// may stand in the place of an `id`.
package struct FeedbackReader {
  /// The schema whose words say outcomes.
  private let schema: RowSchema
  /// The largest number of statements in a body.
  package static let limit = 100_000

  /// The memory for reading a body: its text, the parsed document, and the statements.
  ///
  /// - Parameters:
  ///   - count: the size of the body in bytes.
  ///   - isDocument: whether the body is one JSON document.
  package static func byteCount(ofBody count: Int, isDocument: Bool) -> Int {
    (isDocument ? (count + min(count, tokensOfStatements * 4)) * 24 : count * 4) + min(count / 4, limit) * 96
  }

  /// The tokens of as many statements as a body may have, each of which has six.
  private static let tokensOfStatements = 7 * limit

  private var statements: [Feedback.Statement] = []
  private var seen: Set<Feedback.Statement.Subject> = []
  private var problems: [InputProblem] = []
  private var count = 0

  private init(schema: RowSchema) {
    self.schema = schema
  }

  /// Reads a JSON document.
  ///
  /// - Throws: `SyntaxProblem`, or `InputProblems` with pointers such as `/labels/3/id`.
  package static func json(_ body: [UInt8], schema: RowSchema) throws -> [Feedback.Statement] {
    var reader = FeedbackReader(schema: schema)
    // A statement has six tokens and more than 48 bytes, or 27 with a short reference.
    let tokens = 1_000 + max(body.count / 8, min(body.count / 4, tokensOfStatements))
    guard case .object(let object) = try JSONValue.parse(body.span.bytes, tokensAtMost: tokens) else {
      throw InputProblems(InputProblem(pointer: "", detail: "must be an object"))
    }
    for member in object.members where member.name != "labels" {
      reader.refuse(
        InputProblem(pointer: JSONPointer.appending(member.name, to: ""), detail: "unknown member"))
    }
    if case .array(let elements)? = object["labels"] {
      for (index, element) in elements.enumerated() {
        reader.read(element) { InputProblem(pointer: "/labels/\(index)" + $0, detail: $1) }
      }
    } else {
      reader.refuse(
        InputProblem(
          pointer: "/labels", detail: object["labels"] == nil ? "is missing" : "must be an array"))
    }
    return try reader.finish { InputProblem(pointer: "/labels", detail: $0) }
  }

  /// Reads lines of JSON.
  ///
  /// - Throws: `InputProblems` with line numbers.
  package static func ndjson(_ body: [UInt8], schema: RowSchema) throws -> [Feedback.Statement] {
    var reader = FeedbackReader(schema: schema)
    var rest = body.dropFirst(try ByteOrderMark.length(body))
    var index = -1
    while !rest.isEmpty {
      let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
      let line = rest[..<end]
      rest = rest[min(end + 1, rest.endIndex)...]
      index += 1
      if line.allSatisfy({ " \t\r".utf8.contains($0) }) { continue }
      do {
        reader.read(try JSONValue.parse(Array(line))) {
          InputProblem(line: index + 1, pointer: $0, detail: $1)
        }
      } catch let problem as SyntaxProblem {
        reader.refuse(InputProblem(line: index + 1, detail: "\(problem) of the line"))
      } catch let problems as InputProblems {
        for problem in problems.problems {
          reader.refuse(InputProblem(line: index + 1, pointer: problem.pointer, detail: problem.detail))
        }
      }
    }
    return try reader.finish { InputProblem(line: 1, detail: $0) }
  }

  /// Reads a CSV file.
  ///
  /// - Throws: `SyntaxProblem`, or `InputProblems` with lines and columns.
  package static func csv(_ body: [UInt8], schema: RowSchema) throws -> [Feedback.Statement] {
    var reader = FeedbackReader(schema: schema)
    var stream = CSVStream()
    stream.append(body.span.bytes)
    var header: [String]?
    try stream.readRecords(isLast: true) { record, text, line in
      let fields = record.strings(in: text)
      if let header {
        reader.read(fields, header, line: line, invalidField: record.invalidField)
      } else {
        guard record.invalidField == nil else { throw SyntaxProblem(.invalidUTF8, line: line) }
        guard [["id", "label"], ["reference", "label"]].contains(Set(fields)), fields.count == 2 else {
          throw InputProblems(
            InputProblem(
              line: line, detail: "the header must name the columns id (or reference) and label and no others"
            ))
        }
        header = fields
      }
    }
    return try reader.finish { InputProblem(line: 1, detail: $0) }
  }

  private mutating func read(_ value: JSONValue, _ problem: (String, String) -> InputProblem) {
    guard case .object(let object) = value else { return refuse(problem("", "must be an object")) }
    for member in object.members where !["id", "reference", "label"].contains(member.name) {
      refuse(problem(JSONPointer.appending(member.name, to: ""), "unknown member"))
    }
    let subject = subject(of: object, problem)
    let repeated = problem("/" + (subject?.member ?? "id"), Self.repeated)
    switch object["label"] {
    case nil: refuse(problem("/label", "is missing"))
    case .null?: add(subject, nil, repeated)
    case let label?:
      guard let outcome = label.categoryName.flatMap(schema.outcome(of:)) else {
        return refuse(problem("/label", schema.words.refusal(of: label.text)))
      }
      add(subject, outcome, repeated)
    }
  }

  /// The subject of a JSON object, after refusing an object without a valid one.
  private mutating func subject(
    of object: JSONObject, _ problem: (String, String) -> InputProblem
  ) -> Feedback.Statement.Subject? {
    switch (object["id"], object["reference"]) {
    case (nil, nil): refuse(problem("/id", "is missing, and there is no reference"))
    case (_?, _?): refuse(problem("/reference", "does not go with an id"))
    case (.string(let text)?, nil):
      if let id = UUID(uuidString: text) { return .id(id) }
      refuse(problem("/id", Self.notAnID))
    case (nil, .string(let text)?):
      if let objection = Self.rule.objection(to: text) {
        refuse(problem("/reference", objection))
      } else {
        return .reference(text.normalized)
      }
    case (_?, nil): refuse(problem("/id", "must be a string"))
    case (nil, _?): refuse(problem("/reference", "must be a string"))
    }
    return nil
  }

  private mutating func read(_ fields: [String], _ header: [String], line: Int, invalidField: Int?) {
    guard fields.count == 2 else {
      return refuse(InputProblem(line: line, detail: "the line has \(fields.count) fields, the header 2"))
    }
    if let invalidField {
      return refuse(InputProblem(line: line, column: header[invalidField], detail: "is not valid UTF-8"))
    }
    let isLabelFirst = header[0] == "label"
    let (text, label) = isLabelFirst ? (fields[1], fields[0]) : (fields[0], fields[1])
    let column = isLabelFirst ? header[1] : header[0]
    var subject: Feedback.Statement.Subject?
    if column == "id" {
      subject = UUID(uuidString: text).map { .id($0) }
      if subject == nil { refuse(InputProblem(line: line, column: column, detail: Self.notAnID)) }
    } else if let objection = Self.rule.objection(to: text) {
      refuse(InputProblem(line: line, column: column, detail: objection))
    } else {
      subject = .reference(text.normalized)
    }
    let repeated = InputProblem(line: line, column: column, detail: Self.repeated)
    if label.isEmpty {
      add(subject, nil, repeated)
    } else if let outcome = schema.outcome(ofCell: label) {
      add(subject, outcome, repeated)
    } else {
      refuse(InputProblem(line: line, column: "label", detail: schema.words.refusal(of: label)))
    }
  }

  private mutating func add(
    _ subject: Feedback.Statement.Subject?, _ trueLabel: Bool?, _ repeated: InputProblem
  ) {
    // One more than allowed is enough to refuse the body.
    guard let subject, statements.count <= Self.limit else { return }
    guard seen.insert(subject).inserted else { return refuse(repeated) }
    statements.append(Feedback.Statement(subject, trueLabel: trueLabel))
  }

  private mutating func refuse(_ problem: InputProblem) {
    count += 1
    if problems.count < InputProblems.most { problems.append(problem) }
  }

  private func finish(_ problem: (String) -> InputProblem) throws -> [Feedback.Statement] {
    guard count == 0 else { throw InputProblems(problems, count: count) }
    guard !statements.isEmpty else { throw InputProblems(problem("must have at least one element")) }
    guard statements.count <= Self.limit else {
      throw InputProblems(problem("must have at most \(Self.limit) elements"))
    }
    return statements
  }

  private static let repeated = "is given twice"
  private static let notAnID = "must be the id of a prediction"
  /// The rule for references, that of the keys of labels.
  private static let rule = TextRule.bytes(1...200)
}
