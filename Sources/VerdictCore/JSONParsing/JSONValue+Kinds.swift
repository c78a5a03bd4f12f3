package import RowFormats

extension JSONValue {
  /// The value as a whole number: `3`, `3.0` and `3e0` are.
  package var integer: Int? {
    guard case .number(let number) = self else { return nil }
    return number.int64.map { Int($0) }
  }

  /// The value as a double; `nil` where it is beyond their range.
  package var finiteNumber: Double? {
    guard case .number(let number) = self else { return nil }
    return number.double
  }

  /// The name of a category: a string, a whole number or a boolean, as rows may give it.
  package var categoryName: String? {
    switch self {
    case .string(let name): name
    case .bool(let value): value ? "true" : "false"
    case .number: integer.flatMap { abs($0) <= 1 << 53 ? String($0) : nil }
    case .null, .array, .object: nil
    }
  }
}
