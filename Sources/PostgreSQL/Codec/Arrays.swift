extension PostgresType {
  /// The element type of a built-in array type.
  @inlinable var arrayElement: PostgresType? {
    switch self {
    case .boolArray: .bool
    case .byteaArray: .bytea
    case .int2Array: .int2
    case .int4Array: .int4
    case .int8Array: .int8
    case .textArray: .text
    case .float4Array: .float4
    case .float8Array: .float8
    case .timestamptzArray: .timestamptz
    case .uuidArray: .uuid
    case .jsonbArray: .jsonb
    default: nil
    }
  }
}

/// Arrays have the form of `array_send`: the number of dimensions, a NULL flag and the element type, then the length and lower
/// bound of each dimension, then each element after its length word (-1 for NULL).
extension Array: PostgresEncodable where Element: PostgresArrayElement {
  /// The array type of the element's type.
  @inlinable public static var postgresType: PostgresType { Element.postgresArrayType }

  /// Appends a one-dimensional array; an empty one has no dimension, as the server writes it.
  @inlinable public func encode(into bytes: inout [UInt8]) {
    let start = bytes.count
    bytes.appendBigEndian(Int32(isEmpty ? 0 : 1))
    bytes.appendBigEndian(Int32(0))
    bytes.appendBigEndian(Element.postgresType.rawValue)
    if isEmpty { return }
    bytes.appendBigEndian(Int32(count))
    bytes.appendBigEndian(Int32(1))
    var hasNull = false
    for element in self {
      if element.isPostgresNull {
        hasNull = true
        bytes.appendBigEndian(Int32(-1))
      } else {
        let word = bytes.count
        bytes.appendBigEndian(Int32(0))
        element.encode(into: &bytes)
        bytes.setBigEndian(Int32(bytes.count - word - 4), at: word)
      }
    }
    if hasNull { bytes.setBigEndian(1, at: start + 4) }
  }
}

extension Array: PostgresDecodable where Element: PostgresArrayElement {
  /// Reads a one-dimensional array; the value itself contains the element type.
  @inlinable public init(postgresBytes bytes: RawSpan, type: PostgresType) throws {
    guard bytes.byteCount >= 12 else { throw DecodingProblem.malformed }
    let elementType = PostgresType(rawValue: bytes.bigEndian(at: 8, as: UInt32.self))
    switch bytes.bigEndian(at: 0, as: Int32.self) {
    case 0: self = []
    case 1:
      guard bytes.byteCount >= 20 else { throw DecodingProblem.malformed }
      let count = Int(bytes.bigEndian(at: 12, as: Int32.self))
      // Each element takes at least its length word, so that a forged count cannot cause a large allocation.
      guard count >= 0, count <= (bytes.byteCount - 20) / 4 else { throw DecodingProblem.malformed }
      self = []
      reserveCapacity(count)
      var offset = 20
      for _ in 0..<count {
        guard bytes.byteCount - offset >= 4 else { throw DecodingProblem.malformed }
        let length = Int(bytes.bigEndian(at: offset, as: Int32.self))
        offset += 4
        if length < 0 {
          append(try Element.postgresNull())
        } else {
          guard bytes.byteCount - offset >= length else { throw DecodingProblem.malformed }
          append(
            try Element(
              postgresBytes: bytes.extracting(offset..<offset + length), type: elementType))
          offset += length
        }
      }
    default: throw DecodingProblem.multidimensional
    }
  }
}
