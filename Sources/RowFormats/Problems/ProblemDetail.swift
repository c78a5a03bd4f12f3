import CSimdJSON

/// The JSON Pointer of a refused value.
///
/// - Parameters:
///   - name: the member that the problem is about.
///   - row: the pointer to the row.
///   - body: the pointer to the object that contains the rows.
func pointer(_ problem: vj_problem, _ name: String, row: String, body: String = "") -> String {
  switch problem.location {
  case .VJ_AT_ENVELOPE: body
  case .VJ_AT_ENVELOPE_MEMBER: JSONPointer.appending(name, to: body)
  case .VJ_AT_ROW: row
  case .VJ_AT_ROW_MEMBER: JSONPointer.appending(name, to: row)
  case .VJ_AT_FEATURE: JSONPointer.appending(name, to: row + "/features")
  }
}

/// The reason why a value is refused, in words for the author of the input.
func detail(_ problem: vj_problem, _ name: String, found: String, schema: RowSchema) -> String {
  let shown = shorten(found)
  switch problem.code {
  case .VJ_NOT_NUMBER: return "must be a number, not \(shown)"
  case .VJ_NOT_FINITE: return "\(shown) is beyond the range of a double"
  case .VJ_OUT_OF_RANGE: return schema.outOfRangeDetail
  case .VJ_NOT_JSON_NUMBER: return "\(shown) is no number in JSON; a missing value is null"
  case .VJ_NOT_WHOLE: return "must be a whole number, not \(shown)"
  case .VJ_OUT_OF_WHOLE_RANGE: return "\(shown) is beyond ±2^53, where whole numbers are no longer exact"
  case .VJ_NOT_CATEGORY: return "must be a string, a whole number or a boolean, not \(shown)"
  case .VJ_CATEGORY_NOT_WHOLE:
    return "a number that names a category must be whole and within ±2^53, not \(shown)"
  case .VJ_CATEGORY_LENGTH: return "a category has 1 to 1000 bytes in UTF-8"
  case .VJ_CATEGORY_NOT_LISTED:
    return "\(quote(found)) is not one of this feature's categories" + listed(name, schema)
  case .VJ_NUL_CHARACTER: return "must not contain the character U+0000"
  case .VJ_LONE_SURROGATE: return "contains a lone surrogate, which stands for no character"
  case .VJ_NOT_UTF8: return "is not valid UTF-8"
  case .VJ_UNKNOWN_FEATURE: return "the dataset has no such feature"
  case .VJ_UNKNOWN_MEMBER: return "unknown member"
  case .VJ_DUPLICATE_MEMBER: return "given twice in one object"
  case .VJ_MISSING_MEMBER: return "is missing"
  case .VJ_NOT_OBJECT: return "must be an object"
  case .VJ_NOT_ARRAY: return "must be an array"
  case .VJ_EMPTY_BATCH: return "must have at least one element"
  case .VJ_NOT_LABEL: return schema.words.refusal(of: found)
  case .VJ_KEY_NOT_STRING: return "a \(name) must be a string, not \(shown)"
  case .VJ_KEY_LENGTH: return "a \(name) has 1 to 200 bytes in UTF-8"
  case .VJ_KEY_REPEATED: return "the key \(quote(found)) is given twice in one batch"
  case .VJ_NOT_TIME:
    return "must be a time with its offset, as 2026-01-31T12:00:00Z, or a date, not \(shown)"
  case .VJ_NOT_WEIGHT: return "must be a number from 1e-9 to 1e9, not \(shown)"
  case .VJ_NOT_SPLIT: return "must be train or validation, not \(shown)"
  case .VJ_LINE_NOT_JSON:
    return SyntaxProblem(SyntaxProblem.Kind(problem.syntax), offset: Int(clamping: problem.offset))
      .description
      + " of the line"
  case .VJ_BAD_RECORD: return found
  }
}

private func listed(_ name: String, _ schema: RowSchema) -> String {
  guard let categories = schema.features.first(where: { $0.name == name })?.categories,
    !categories.isEmpty, categories.count <= 10
  else { return "" }
  return ": " + categories.map(quote).joined(separator: ", ")
}

/// A value in quotes, shortened.
func quote(_ text: String) -> String { "\"\(shorten(text))\"" }

/// The beginning of a value, on one line.
func shorten(_ text: String) -> String {
  let line = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  return line.count <= 40 ? line : line.prefix(40) + "…"
}

extension SyntaxProblem.Kind {
  /// The kind for a code of the C reader.
  init(_ code: vj_syntax_code) {
    self =
      switch code {
      case .VJ_SYNTAX_OK, .VJ_SYNTAX_UNEXPECTED: .unexpectedCharacter
      case .VJ_SYNTAX_EMPTY: .empty
      case .VJ_SYNTAX_UTF8: .invalidUTF8
      case .VJ_SYNTAX_UTF16: .utf16
      case .VJ_SYNTAX_CONTROL_CHARACTER: .controlCharacter
      case .VJ_SYNTAX_UNCLOSED_STRING: .unclosedString
      case .VJ_SYNTAX_TRUNCATED: .truncated
      case .VJ_SYNTAX_NUMBER: .malformedNumber
      case .VJ_SYNTAX_LITERAL: .malformedLiteral
      case .VJ_SYNTAX_ESCAPE: .malformedEscape
      case .VJ_SYNTAX_SURROGATE: .loneSurrogate
      case .VJ_SYNTAX_TRAILING: .trailingContent
      case .VJ_SYNTAX_DEPTH: .tooDeep
      case .VJ_SYNTAX_TOO_LARGE: .tooLarge
      case .VJ_SYNTAX_MEMORY: .outOfMemory
      // The reader of the rows throws the errors of its limits.
      case .VJ_SYNTAX_ROWS, .VJ_SYNTAX_REFUSED: .tooLarge
      }
  }
}

extension vj_syntax {
  /// Throws unless the code is OK.
  func check() throws(SyntaxProblem) {
    guard code != .VJ_SYNTAX_OK else { return }
    throw SyntaxProblem(SyntaxProblem.Kind(code), offset: offset)
  }
}
