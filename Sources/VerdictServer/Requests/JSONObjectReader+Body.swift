import RowFormats
import VerdictCore

extension JSONObjectReader {
  /// Parses the body of a request as an object.
  static func of(_ body: Body, known: Set<String>, errors: ValidationErrors) throws -> JSONObjectReader {
    JSONObjectReader(try JSONValue.parse(body.bytes), known: known, errors: errors)
  }
}

extension ValidationErrors {
  /// Throws a problem with the recorded errors, if there are any.
  ///
  /// - Throws: ``Problem`` of kind `invalid-body`.
  func check() throws {
    guard isEmpty else {
      throw Problem(
        .invalidBody, locations: problems.prefix(InputProblems.most).map(ErrorLocation.init),
        count: problems.count)
    }
  }

  /// The value of a required member, if no error was recorded.
  ///
  /// - Throws: ``Problem`` of kind `invalid-body`.
  func checked<T>(_ value: T?) throws -> T {
    try check()
    // A getter that returns nil has recorded an error, so this is not reached.
    guard let value else { throw Problem(.invalidBody, "The body lacks a member.") }
    return value
  }
}
