package import RowFormats

extension JSONValue {
  /// The value as an integer; `3`, `3.0` and `3e0` are integers.
  package var integer: Int? {
    guard case .number(let number) = self else { return nil }
    return number.int64.map { Int($0) }
  }

  /// The value as a double; `nil` if it is out of range.
  package var finiteNumber: Double? {
    guard case .number(let number) = self else { return nil }
    return number.double
  }

  /// The value as a category name: a string, an integer or a boolean, as rows may contain it.
  package var categoryName: String? {
    switch self {
    case .string(let name): name
    case .bool(let value): value ? "true" : "false"
    case .number: integer.flatMap { abs($0) <= 1 << 53 ? String($0) : nil }
    case .null, .array, .object: nil
    }
  }

  /// The value as JSON, for messages.
  package var text: String { String(decoding: encoded(), as: UTF8.self) }
}
