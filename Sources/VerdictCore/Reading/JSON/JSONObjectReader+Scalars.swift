extension JSONObjectReader {
  /// A string of `length` characters (Unicode scalars), without U+0000, which PostgreSQL cannot store.
  public func string(_ name: String, length: ClosedRange<Int> = 0...1000) -> String {
    required(name) { convertString(name, $0, length) } ?? ""
  }

  /// The same, if given.
  public func optionalString(_ name: String, length: ClosedRange<Int> = 0...1000) -> String? {
    optional(name) { convertString(name, $0, length) }
  }

  /// A string that a rule accepts; `expected` completes "must be …".
  public func string(_ name: String, expected: String, where accepts: (String) -> Bool) -> String {
    required(name) { convertString(name, $0, expected, accepts) } ?? ""
  }

  /// The same, if given.
  public func optionalString(_ name: String, expected: String, where accepts: (String) -> Bool) -> String? {
    optional(name) { convertString(name, $0, expected, accepts) }
  }

  /// A whole number within a range.
  public func int(_ name: String, in range: ClosedRange<Int> = .min ... .max) -> Int {
    required(name) { convertInt(name, $0, range) } ?? 0
  }

  /// The same, if given.
  public func optionalInt(_ name: String, in range: ClosedRange<Int> = .min ... .max) -> Int? {
    optional(name) { convertInt(name, $0, range) }
  }

  /// A number within a range.
  public func double(
    _ name: String,
    in range: ClosedRange<Double> = -Double.greatestFiniteMagnitude ... .greatestFiniteMagnitude
  )
    -> Double
  {
    required(name) { convertDouble(name, $0, range) } ?? 0
  }

  /// The same, if given.
  public func optionalDouble(
    _ name: String,
    in range: ClosedRange<Double> = -Double.greatestFiniteMagnitude ... .greatestFiniteMagnitude
  ) -> Double? {
    optional(name) { convertDouble(name, $0, range) }
  }

  /// A boolean.
  public func bool(_ name: String) -> Bool {
    required(name) { convertBool(name, $0) } ?? false
  }

  /// The same, if given.
  public func optionalBool(_ name: String) -> Bool? {
    optional(name) { convertBool(name, $0) }
  }

  /// One of an enumeration's strings; `nil` only after a problem.
  public func choice<T: RawRepresentable & CaseIterable>(_ name: String, _ type: T.Type = T.self) -> T?
  where T.RawValue == String {
    required(name) { convertChoice(name, $0) }
  }

  /// The same, if given.
  public func optionalChoice<T: RawRepresentable & CaseIterable>(_ name: String, _ type: T.Type = T.self)
    -> T?
  where T.RawValue == String {
    optional(name) { convertChoice(name, $0) }
  }

  /// The same with a value for when it is not given.
  public func choice<T: RawRepresentable & CaseIterable>(_ name: String, default standard: T) -> T
  where T.RawValue == String {
    optionalChoice(name) ?? standard
  }

  private func convertString(_ name: String, _ value: JSONValue, _ length: ClosedRange<Int>) -> String? {
    guard case .string(let string) = value else { return fail { wrong(name, value, expected: "a string") } }
    guard length.contains(string.unicodeScalars.count) else {
      return fail { problem(name, "must have \(length.lowerBound) to \(length.upperBound) characters") }
    }
    guard !string.utf8.contains(0) else {
      return fail { problem(name, "must not contain the character U+0000") }
    }
    return string
  }

  private func convertString(
    _ name: String, _ value: JSONValue, _ expected: String, _ accepts: (String) -> Bool
  ) -> String? {
    guard case .string(let string) = value else { return fail { wrong(name, value, expected: expected) } }
    guard accepts(string), !string.utf8.contains(0) else {
      return fail { problem(name, "must be \(expected)") }
    }
    return string
  }

  private func convertInt(_ name: String, _ value: JSONValue, _ range: ClosedRange<Int>) -> Int? {
    guard case .number(let number) = value else {
      return fail { wrong(name, value, expected: "a whole number") }
    }
    guard let whole = number.int64.flatMap({ Int(exactly: $0) }) else {
      return fail { problem(name, "must be a whole number") }
    }
    guard range.contains(whole) else {
      return fail { problem(name, "must be from \(range.lowerBound) to \(range.upperBound)") }
    }
    return whole
  }

  private func convertDouble(_ name: String, _ value: JSONValue, _ range: ClosedRange<Double>) -> Double? {
    guard case .number(let number) = value else { return fail { wrong(name, value, expected: "a number") } }
    guard let double = number.double else { return fail { problem(name, "is beyond the range of a double") } }
    guard range.contains(double) else {
      return fail { problem(name, "must be from \(range.lowerBound) to \(range.upperBound)") }
    }
    return double
  }

  private func convertBool(_ name: String, _ value: JSONValue) -> Bool? {
    guard case .bool(let bool) = value else { return fail { wrong(name, value, expected: "true or false") } }
    return bool
  }

  private func convertChoice<T: RawRepresentable & CaseIterable>(_ name: String, _ value: JSONValue) -> T?
  where T.RawValue == String {
    let choices = T.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
    guard case .string(let string) = value else {
      return fail { wrong(name, value, expected: "one of \(choices)") }
    }
    guard let choice = T(rawValue: string) else { return fail { problem(name, "must be one of \(choices)") } }
    return choice
  }

  private func fail<T>(_ note: () -> Void) -> T? {
    note()
    return nil
  }
}
