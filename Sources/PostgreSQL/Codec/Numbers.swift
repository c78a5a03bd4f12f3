extension Bool: PostgresArrayElement {
  /// bool
  @inlinable public static var postgresType: PostgresType { .bool }
  /// bool[]
  @inlinable public static var postgresArrayType: PostgresType { .boolArray }
  /// Appends one byte, 0 or 1.
  @inlinable public func encode(into bytes: inout [UInt8]) { bytes.append(self ? 1 : 0) }
  /// Reads bool.
  @inlinable public init(postgresBytes bytes: RawSpan, type: PostgresType) throws {
    guard type == .bool else { throw DecodingProblem.typeMismatch(type) }
    self = try bytes.onlyInteger(UInt8.self) != 0
  }
}

/// Decodes an integer of any width that PostgreSQL has.
@inlinable
func decodeInteger<T: FixedWidthInteger>(_ bytes: RawSpan, _ type: PostgresType, as: T.Type) throws -> T {
  let wide: Int64
  switch type {
  case .int8: wide = try bytes.onlyInteger(Int64.self)
  case .int4: wide = Int64(try bytes.onlyInteger(Int32.self))
  case .int2: wide = Int64(try bytes.onlyInteger(Int16.self))
  case .oid: wide = Int64(try bytes.onlyInteger(UInt32.self))
  default: throw DecodingProblem.typeMismatch(type)
  }
  guard let value = T(exactly: wide) else { throw DecodingProblem.outOfRange }
  return value
}

extension Int16: PostgresArrayElement {
  /// int2
  @inlinable public static var postgresType: PostgresType { .int2 }
  /// int2[]
  @inlinable public static var postgresArrayType: PostgresType { .int2Array }
  /// Appends two bytes.
  @inlinable public func encode(into bytes: inout [UInt8]) { bytes.appendBigEndian(self) }
  /// Reads any integer that fits.
  @inlinable public init(postgresBytes bytes: RawSpan, type: PostgresType) throws {
    self = try decodeInteger(bytes, type, as: Int16.self)
  }
}

extension Int32: PostgresArrayElement {
  /// int4
  @inlinable public static var postgresType: PostgresType { .int4 }
  /// int4[]
  @inlinable public static var postgresArrayType: PostgresType { .int4Array }
  /// Appends four bytes.
  @inlinable public func encode(into bytes: inout [UInt8]) { bytes.appendBigEndian(self) }
  /// Reads any integer that fits.
  @inlinable public init(postgresBytes bytes: RawSpan, type: PostgresType) throws {
    self = try decodeInteger(bytes, type, as: Int32.self)
  }
}

extension Int64: PostgresArrayElement {
  /// int8
  @inlinable public static var postgresType: PostgresType { .int8 }
  /// int8[]
  @inlinable public static var postgresArrayType: PostgresType { .int8Array }
  /// Eight bytes.
  @inlinable public func encode(into bytes: inout [UInt8]) { bytes.appendBigEndian(self) }
  /// Reads any integer.
  @inlinable public init(postgresBytes bytes: RawSpan, type: PostgresType) throws {
    self = try decodeInteger(bytes, type, as: Int64.self)
  }
}

extension Int: PostgresArrayElement {
  /// int8
  @inlinable public static var postgresType: PostgresType { .int8 }
  /// int8[]
  @inlinable public static var postgresArrayType: PostgresType { .int8Array }
  /// Eight bytes.
  @inlinable public func encode(into bytes: inout [UInt8]) { bytes.appendBigEndian(Int64(self)) }
  /// Reads any integer.
  @inlinable public init(postgresBytes bytes: RawSpan, type: PostgresType) throws {
    self = try decodeInteger(bytes, type, as: Int.self)
  }
}

extension Double: PostgresArrayElement {
  /// float8
  @inlinable public static var postgresType: PostgresType { .float8 }
  /// float8[]
  @inlinable public static var postgresArrayType: PostgresType { .float8Array }
  /// Appends the IEEE 754 form, eight bytes.
  @inlinable public func encode(into bytes: inout [UInt8]) { bytes.appendBigEndian(bitPattern) }
  /// Reads float8 and float4.
  @inlinable public init(postgresBytes bytes: RawSpan, type: PostgresType) throws {
    switch type {
    case .float8: self = Double(bitPattern: try bytes.onlyInteger(UInt64.self))
    case .float4: self = Double(Float(bitPattern: try bytes.onlyInteger(UInt32.self)))
    default: throw DecodingProblem.typeMismatch(type)
    }
  }
}

extension Float: PostgresArrayElement {
  /// float4
  @inlinable public static var postgresType: PostgresType { .float4 }
  /// float4[]
  @inlinable public static var postgresArrayType: PostgresType { .float4Array }
  /// Appends the IEEE 754 form, four bytes.
  @inlinable public func encode(into bytes: inout [UInt8]) { bytes.appendBigEndian(bitPattern) }
  /// Reads float4 only, since a float8 would lose precision.
  @inlinable public init(postgresBytes bytes: RawSpan, type: PostgresType) throws {
    guard type == .float4 else { throw DecodingProblem.typeMismatch(type) }
    self = Float(bitPattern: try bytes.onlyInteger(UInt32.self))
  }
}
