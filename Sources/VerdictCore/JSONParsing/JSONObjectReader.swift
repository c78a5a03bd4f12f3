package import RowFormats

/// Reads the members of a JSON object strictly, by known names and types, and records each error with its JSON
/// Pointer.
///
/// A getter returns `nil` for an absent member, and for an invalid one after recording the error.
package struct JSONObjectReader {
  private let members: [String: JSONValue]
  private let pointer: String
  /// The collection of the errors.
  package let errors: ValidationErrors

  /// Reads the object at `pointer`. A value that is no object, and members that are not `known`, are errors.
  package init(_ value: JSONValue, at pointer: String = "", known: Set<String>, errors: ValidationErrors) {
    self.pointer = pointer
    self.errors = errors
    guard case .object(let object) = value else {
      members = [:]
      errors.add(pointer, "must be an object")
      return
    }
    for member in object.members where !known.contains(member.name) {
      errors.add(Self.child(pointer, member.name), "unknown member")
    }
    members = Dictionary(object.members.map { ($0.name, $0.value) }) { first, _ in first }
  }

  /// Whether the member is present, possibly as `null`.
  package func has(_ name: String) -> Bool { members[name] != nil }

  /// Whether the member is present and `null`.
  package func isNull(_ name: String) -> Bool {
    if case .null? = members[name] { true } else { false }
  }

  /// The unparsed member; `null` counts as absent.
  package func value(_ name: String) -> JSONValue? {
    isNull(name) ? nil : members[name]
  }

  /// The unparsed member; its absence is an error.
  package func required(_ name: String) -> JSONValue? {
    guard let value = members[name] else {
      errors.add(at(name), "is missing")
      return nil
    }
    return value
  }

  /// The JSON Pointer to a member.
  package func at(_ name: String) -> String { Self.child(pointer, name) }

  /// Parses a member.
  ///
  /// - Parameter current: the value into which an object's members are merged.
  package func member<T>(
    _ name: String, required isRequired: Bool = false, over current: T? = nil, _ parser: JSONParser<T>
  ) -> T? {
    guard let value = isRequired ? required(name) : value(name) else { return nil }
    return parser.parse(value, over: current, at: at(name), errors)
  }

  /// Parses a string.
  package func string(_ name: String, required: Bool = false, _ rule: TextRule = .any) -> String? {
    member(name, required: required, .string(rule))
  }

  /// Parses an integer.
  package func integer(_ name: String, required: Bool = false, in range: ClosedRange<Int>) -> Int? {
    member(name, required: required, .integer(in: range))
  }

  /// Parses a number.
  package func number(_ name: String, required: Bool = false) -> Double? {
    member(name, required: required, .number)
  }

  /// Parses one of a closed list of words.
  package func choice<T: RawRepresentable & CaseIterable & Sendable>(
    _ name: String, required: Bool = false, _ type: T.Type
  ) -> T? where T.RawValue == String {
    member(name, required: required, .choice())
  }

  /// Parses an array whose length is within `count`.
  package func array(_ name: String, required: Bool = false, count: ClosedRange<Int>) -> [JSONValue]? {
    member(name, required: required, .array(count: count))
  }

  /// Reads a member that is an object.
  package func object(_ name: String, known: Set<String>) -> JSONObjectReader? {
    value(name).map { JSONObjectReader($0, at: at(name), known: known, errors: errors) }
  }

  /// Appends a member's name to a JSON Pointer (RFC 6901, section 3).
  package static func child(_ pointer: String, _ name: String) -> String {
    JSONPointer.appending(name, to: pointer)
  }
}
