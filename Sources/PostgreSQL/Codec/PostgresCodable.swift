/// A Swift value that has a binary form on the wire of one PostgreSQL type.
///
/// The forms are those of the server's `*send` and `*recv` functions: big-endian, without a length word.
public protocol PostgresEncodable: Sendable {
  /// The type that the parameter is declared as.
  static var postgresType: PostgresType { get }
  /// True for SQL NULL; then ``encode(into:)`` is not called.
  var isPostgresNull: Bool { get }
  /// Appends the binary form.
  func encode(into bytes: inout [UInt8])
}

extension PostgresEncodable {
  /// Everything but an empty Optional is a value.
  @inlinable public var isPostgresNull: Bool { false }
}

/// A Swift value that can be read from the binary form of one or several PostgreSQL types.
public protocol PostgresDecodable {
  /// Reads the binary form of a value of `type`; throws ``DecodingProblem`` if it does not fit.
  init(postgresBytes bytes: RawSpan, type: PostgresType) throws
  /// What SQL NULL becomes: an error for everything but Optionals.
  static func postgresNull() throws -> Self
}

extension PostgresDecodable {
  /// NULL is no value of a type that is not Optional.
  @inlinable public static func postgresNull() throws -> Self { throw DecodingProblem.unexpectedNull }
}

/// Why a value could not be decoded; it becomes a ``PostgreSQLError`` with the column's name.
public enum DecodingProblem: Error, Sendable, Hashable {
  /// NULL where the Swift type is not Optional.
  case unexpectedNull
  /// The column's type is not one that this Swift type reads.
  case typeMismatch(PostgresType)
  /// The bytes do not have the length or form of the type.
  case malformed
  /// The number does not fit.
  case outOfRange
  /// An array of more than one dimension.
  case multidimensional
}

/// A type that can also be an element of a one-dimensional PostgreSQL array.
public protocol PostgresArrayElement: PostgresEncodable, PostgresDecodable {
  /// The array type over ``PostgresEncodable/postgresType``.
  static var postgresArrayType: PostgresType { get }
}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
  /// The wrapped value's type.
  @inlinable public static var postgresType: PostgresType { Wrapped.postgresType }
  /// nil is NULL.
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
  /// NULL is nil.
  @inlinable public static func postgresNull() throws -> Wrapped? { .none }
}

extension Optional: PostgresArrayElement where Wrapped: PostgresArrayElement {
  /// An array with NULLs in it has the same type as one without.
  @inlinable public static var postgresArrayType: PostgresType { Wrapped.postgresArrayType }
}
