extension Query: ExpressibleByStringInterpolation {
  /// SQL without parameters.
  public init(stringLiteral value: String) { self.init(unsafeSQL: value) }

  /// SQL with parameters.
  public init(stringInterpolation: StringInterpolation) { self = stringInterpolation.query }

  /// Collects the text and the values.
  public struct StringInterpolation: StringInterpolationProtocol, Sendable {
    var query: Query

    /// Starts an empty statement.
    public init(literalCapacity: Int, interpolationCount: Int) {
      query = Query(unsafeSQL: "")
      query.reserve(literalCapacity + 3 * interpolationCount)
    }

    /// Appends SQL.
    public mutating func appendLiteral(_ literal: String) { query.appendLiteral(literal) }

    /// Appends a bind parameter.
    public mutating func appendInterpolation<T: PostgresEncodable>(_ value: T) {
      query.appendBind(value)
    }

    /// Appends a bind parameter, NULL for nil.
    public mutating func appendInterpolation<T: PostgresEncodable>(_ value: T?) {
      query.appendBind(value)
    }

    /// Appends another part with its parameters.
    public mutating func appendInterpolation(_ part: Query) { query += part }

    /// Appends text as SQL, unchecked: never pass anything here that came from outside.
    public mutating func appendInterpolation(unescaped text: String) { query.appendLiteral(text) }

    /// Appends a name in double quotes (manual, 4.1.1), so that any text is a valid identifier.
    public mutating func appendInterpolation(identifier name: String) {
      query.appendLiteral(quotedIdentifier(name))
    }
  }
}

/// A name in double quotes, inner ones doubled. A zero byte cannot stand in a name and is left out.
func quotedIdentifier(_ name: String) -> String {
  var quoted = "\""
  for scalar in name.unicodeScalars where scalar != "\0" {
    if scalar == "\"" { quoted.unicodeScalars.append(scalar) }
    quoted.unicodeScalars.append(scalar)
  }
  return quoted + "\""
}
