/// Writes JSON text (RFC 8259) in the order of the calls.
///
/// The caller decides on every member and its position, so that absent values can be explicit nulls and the order of
/// members is stable; `JSONEncoder` promises neither.
public struct JSONWriter {
  /// The UTF-8 text written so far.
  public private(set) var bytes: [UInt8] = []
  private var needsComma = false

  /// Creates a writer without any text.
  ///
  /// - Parameter capacity: number of bytes to allocate in advance.
  public init(capacity: Int = 512) { bytes.reserveCapacity(capacity) }

  /// Writes an object with the members that `members` writes.
  public mutating func object(_ members: (inout JSONWriter) throws -> Void) rethrows {
    beginValue()
    bytes.append(UInt8(ascii: "{"))
    needsComma = false
    try members(&self)
    bytes.append(UInt8(ascii: "}"))
    needsComma = true
  }

  /// Writes an array with one value per call of `element`.
  public mutating func array<S: Sequence>(
    _ elements: S, _ element: (inout JSONWriter, S.Element) throws -> Void
  ) rethrows {
    beginValue()
    bytes.append(UInt8(ascii: "["))
    needsComma = false
    for item in elements { try element(&self, item) }
    bytes.append(UInt8(ascii: "]"))
    needsComma = true
  }

  /// Writes an array with the values that `elements` writes.
  public mutating func array(_ elements: (inout JSONWriter) throws -> Void) rethrows {
    beginValue()
    bytes.append(UInt8(ascii: "["))
    needsComma = false
    try elements(&self)
    bytes.append(UInt8(ascii: "]"))
    needsComma = true
  }

  /// Writes the name of a member; the next call writes its value.
  public mutating func name(_ name: String) {
    string(name)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  /// Writes `null`.
  public mutating func null() { raw("null".utf8) }

  /// Writes `true` or `false`.
  public mutating func bool(_ value: Bool) { raw((value ? "true" : "false").utf8) }

  /// Writes a whole number.
  public mutating func integer(_ value: some BinaryInteger) { raw(String(value).utf8) }

  /// Writes a number in the shortest form that reads back as the same double; NaN and infinities as `null`.
  public mutating func number(_ value: Double) {
    guard value.isFinite else { return null() }
    beginValue()
    bytes.append(number: value)
    needsComma = true
  }

  /// Writes a string.
  public mutating func string(_ value: String) {
    beginValue()
    bytes.append(jsonString: value.utf8)
    needsComma = true
  }

  /// Writes text that is a JSON value already, or several members of an object or elements of an array.
  public mutating func raw(_ json: some Sequence<UInt8>) {
    beginValue()
    bytes.append(contentsOf: json)
    needsComma = true
  }

  /// Writes a value with `write`, or `null`.
  public mutating func optional<T>(
    _ value: T?, _ write: (inout JSONWriter, T) throws -> Void
  ) rethrows {
    if let value { try write(&self, value) } else { null() }
  }

  private mutating func beginValue() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
  }
}
