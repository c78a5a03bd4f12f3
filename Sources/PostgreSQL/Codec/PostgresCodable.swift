/// A Swift type with a binary form of one PostgreSQL type.
///
/// The binary forms are those of the server's `*send` and `*recv` functions: big-endian, without a length word.
public protocol PostgresEncodable: Sendable {
  /// The declared type of the parameter.
  static var postgresType: PostgresType { get }
  /// Whether the value is SQL NULL; ``encode(into:)`` is not called then.
  var isPostgresNull: Bool { get }
  /// Appends the binary form.
  func encode(into bytes: inout [UInt8])
}

extension PostgresEncodable {
  /// False: only `Optional` has a NULL.
  @inlinable public var isPostgresNull: Bool { false }
}

/// A Swift type that can be read from the binary form of one or several PostgreSQL types.
public protocol PostgresDecodable {
  /// Reads the binary form of a value of `type`.
  ///
  /// - Throws: ``DecodingProblem`` if the bytes or the type do not fit.
  init(postgresBytes bytes: RawSpan, type: PostgresType) throws
  /// The value for SQL NULL. Types other than `Optional` throw.
  static func postgresNull() throws -> Self
}

extension PostgresDecodable {
  /// Throws ``DecodingProblem/unexpectedNull``.
  @inlinable public static func postgresNull() throws -> Self { throw DecodingProblem.unexpectedNull }
}

/// The reason why a value could not be decoded; the underlying error of a ``PostgreSQLError`` with the column's name.
public enum DecodingProblem: Error, Sendable, Hashable {
  /// NULL where the Swift type is not Optional.
  case unexpectedNull
  /// The Swift type does not read this column type.
  case typeMismatch(PostgresType)
  /// The length or form of the bytes does not fit the type.
  case malformed
  /// The number does not fit the Swift type.
  case outOfRange
  /// The array has more than one dimension.
  case multidimensional
}

/// A type that can also be an element of a one-dimensional PostgreSQL array.
public protocol PostgresArrayElement: PostgresEncodable, PostgresDecodable {
  /// The array type of ``PostgresEncodable/postgresType``.
  static var postgresArrayType: PostgresType { get }
}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
  /// The wrapped value's type.
  @inlinable public static var postgresType: PostgresType { Wrapped.postgresType }
  /// Whether the value is nil, or wraps a NULL.
  @inlinable public var isPostgresNull: Bool {
    switch self {
    case .none: true
    case .some(let value): value.isPostgresNull
    }
  }
  /// Appends the wrapped value.
  @inlinable public func encode(into bytes: inout [UInt8]) { self?.encode(into: &bytes) }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
  /// Reads the wrapped value.
  @inlinable public init(postgresBytes bytes: RawSpan, type: PostgresType) throws {
    self = try Wrapped(postgresBytes: bytes, type: type)
  }
  /// Returns nil.
  @inlinable public static func postgresNull() throws -> Wrapped? { .none }
}

extension Optional: PostgresArrayElement where Wrapped: PostgresArrayElement {
  /// The wrapped value's array type, whose elements may be NULL.
  @inlinable public static var postgresArrayType: PostgresType { Wrapped.postgresArrayType }
}
