import RowFormats
import VerdictCore

extension JSONObjectReader {
  /// The body of a request as an object.
  static func of(_ body: Body, known: Set<String>, errors: ValidationErrors) throws -> JSONObjectReader {
    JSONObjectReader(try JSONValue.parse(body.bytes), known: known, errors: errors)
  }
}

extension ValidationErrors {
  /// - Throws: ``Problem`` of kind `invalid-body` if anything was wrong.
  func check() throws {
    guard isEmpty else {
      throw Problem(
        .invalidBody, locations: problems.prefix(InputProblems.most).map(ErrorLocation.init),
        count: problems.count)
    }
  }

  /// A required member's value, when all was right.
  ///
  /// - Throws: ``Problem`` of kind `invalid-body` if anything was wrong.
  func checked<T>(_ value: T?) throws -> T {
    try check()
    // A getter that returns nothing has noted why.
    guard let value else { throw Problem(.invalidBody, "The body lacks a member.") }
    return value
  }
}
