import RowFormats
import VerdictCore

extension Body {
  /// The document of a JSON body. A large one counts with the memory of its values for as long as the reservation lasts.
  ///
  /// - Throws: the errors of `JSONValue.parse`, and those of `RequestMemory`.
  func document() throws -> JSONValue {
    // A member of a description has more than four bytes a token; longer lists of tiny values are no description.
    let tokens = max(8_192, bytes.count / 4)
    try share?.set(bytes.count * 24)
    return try JSONValue.parse(bytes.span.bytes, tokensAtMost: tokens)
  }
}

extension JSONObjectReader {
  /// Parses the body of a request as an object.
  static func of(_ body: Body, known: Set<String>, errors: ValidationErrors) throws -> JSONObjectReader {
    JSONObjectReader(try body.document(), known: known, errors: errors)
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
