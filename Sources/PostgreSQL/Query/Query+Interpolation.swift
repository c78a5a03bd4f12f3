/// Queries from string literals and interpolations.
extension Query: ExpressibleByStringInterpolation {
  /// Creates SQL without parameters.
  public init(stringLiteral value: String) { self.init(unsafeSQL: value) }

  /// Creates SQL with parameters.
  public init(stringInterpolation: StringInterpolation) { self = stringInterpolation.query }

  /// Collects the text and the bind parameters of an interpolated query.
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

    /// Appends another query with its parameters.
    public mutating func appendInterpolation(_ part: Query) { query += part }

    /// Appends text as SQL, unchecked: it must not come from outside the program.
    public mutating func appendInterpolation(unescaped text: String) { query.appendLiteral(text) }

    /// Appends a quoted identifier (manual, 4.1.1), so that any name is valid.
    public mutating func appendInterpolation(identifier name: String) {
      query.appendLiteral(quotedIdentifier(name))
    }
  }
}

/// A quoted identifier, with inner quotes doubled. Zero bytes, which no name can contain, are dropped.
func quotedIdentifier(_ name: String) -> String {
  var quoted = "\""
  for scalar in name.unicodeScalars where scalar != "\0" {
    if scalar == "\"" { quoted.unicodeScalars.append(scalar) }
    quoted.unicodeScalars.append(scalar)
  }
  return quoted + "\""
}
