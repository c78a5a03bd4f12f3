/// Any JSON document, for bodies that are small and have a structure of their own.
///
/// Unlike Foundation's, it keeps the order of members, the exact text of numbers, and refuses what RFC 8259 leaves
/// open: repeated members and lone surrogates.
public enum JSONValue: Sendable, Hashable {
  /// `null`
  case null
  /// `true` or `false`
  case bool(Bool)
  /// Any number, however large or precise.
  case number(JSONNumber)
  /// Characters, with escapes resolved.
  case string(String)
  /// Values in order.
  case array([JSONValue])
  /// Members in order.
  case object(JSONObject)

  /// What the value is, as told in a problem's detail.
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

/// A number as it was written.
public struct JSONNumber: Sendable, Hashable {
  /// The digits, sign and exponent, in the grammar of RFC 8259, section 6.
  public let text: String

  /// A number whose text is known to be well-formed.
  init(text: String) {
    self.text = text
  }

  /// A whole number.
  public init(_ value: some FixedWidthInteger) {
    text = String(value)
  }

  /// A finite double in its shortest form; `nil` for NaN and infinities, which JSON cannot express.
  public init?(_ value: Double) {
    guard value.isFinite else { return nil }
    var bytes: [UInt8] = []
    appendNumber(value, to: &bytes)
    text = String(decoding: bytes, as: UTF8.self)
  }

  /// The nearest double; `nil` if there is no finite one.
  public var double: Double? { parseNumber(text) }

  /// The number as a 64-bit integer, if it is whole: `3`, `3.0` and `3e0` are.
  public var int64: Int64? {
    if let exact = Int64(text) { return exact }
    // Only a text with a fraction or an exponent gets here, or digits that do not fit.
    guard text.utf8.contains(where: { ".eE".utf8.contains($0) }), let double,
      abs(double) < 9_007_199_254_740_992
    else { return nil }
    return Int64(exactly: double)
  }
}

/// An object's members in the order in which they were written.
public struct JSONObject: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  /// One name and its value.
  public struct Member: Sendable, Hashable {
    /// The name, unique in its object.
    public var name: String
    /// The value.
    public var value: JSONValue
  }

  /// All members.
  public var members: [Member]

  /// An object of these members; their names must be unique.
  public init(_ members: [Member] = []) {
    self.members = members
  }

  /// An object written out in code; the names must be unique.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    members = elements.map { Member(name: $0.0, value: $0.1) }
  }

  /// The value of a member; setting it replaces the value in place or appends the member, `nil` takes it away.
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
