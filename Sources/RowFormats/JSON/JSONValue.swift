/// Any JSON value (RFC 8259), for small documents of irregular structure.
///
/// In contrast to Foundation's parser, this one keeps the order of members and the exact text of numbers, and refuses
/// repeated members and lone surrogates.
public enum JSONValue: Sendable, Hashable {
  /// `null`
  case null
  /// `true` or `false`
  case bool(Bool)
  /// A number of any magnitude and precision.
  case number(JSONNumber)
  /// A string with its escapes resolved.
  case string(String)
  /// Values in order.
  case array([JSONValue])
  /// Members in order.
  case object(JSONObject)

  /// The kind of the value with its article, for error messages.
  public var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

/// A JSON number in its original text.
public struct JSONNumber: Sendable, Hashable {
  /// The text in the grammar of RFC 8259, section 6.
  public let text: String

  /// Creates a number from text that is known to be well-formed.
  init(text: String) {
    self.text = text
  }

  /// The nearest double; `nil` if the number is beyond its range.
  public var double: Double? { parseNumber(text) }

  /// The number as a 64-bit integer, if it is whole: `3`, `3.0` and `3e0` are.
  public var int64: Int64? {
    if let exact = Int64(text) { return exact }
    // The text has a fraction or an exponent here, or digits that do not fit.
    guard text.utf8.contains(where: { ".eE".utf8.contains($0) }), let double,
      abs(double) < 9_007_199_254_740_992
    else { return nil }
    return Int64(exactly: double)
  }
}

/// The members of a JSON object in the order of the text.
public struct JSONObject: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  /// One member of an object.
  public struct Member: Sendable, Hashable {
    /// The name; unique in its object.
    public var name: String
    /// The value.
    public var value: JSONValue
  }

  /// The members in order.
  public var members: [Member]

  /// Creates an object from members with unique names.
  public init(_ members: [Member] = []) {
    self.members = members
  }

  /// Creates an object from a literal with unique names.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    members = elements.map { Member(name: $0.0, value: $0.1) }
  }

  /// The value of a member. Setting it replaces the value in place or appends the member; setting `nil` removes it.
  public subscript(name: String) -> JSONValue? {
    get { members.first { $0.name == name }?.value }
    set {
      let index = members.firstIndex { $0.name == name }
      switch (index, newValue) {
      case (let index?, let value?): members[index].value = value
      case (let index?, nil): members.remove(at: index)
      case (nil, let value?): members.append(Member(name: name, value: value))
      case (nil, nil): break
      }
    }
  }
}
