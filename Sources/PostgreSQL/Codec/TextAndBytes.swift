#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

extension String: PostgresArrayElement {
  /// text; other types need a cast in the SQL (`$1::uuid`)
  @inlinable public static var postgresType: PostgresType { .text }
  /// text[]
  @inlinable public static var postgresArrayType: PostgresType { .textArray }
  /// Appends the text in UTF-8, which is the client encoding of every connection.
  @inlinable public func encode(into bytes: inout [UInt8]) { bytes.append(contentsOf: utf8) }
  /// Reads the text types, JSON, and user-defined types with a textual binary form, such as enums.
  public init(postgresBytes bytes: RawSpan, type: PostgresType) throws {
    var start = 0
    switch type {
    case .text, .varchar, .bpchar, .name, .char, .json, .unknown: break
    case .jsonb: start = 1
    default: guard type.isUserDefined else { throw DecodingProblem.typeMismatch(type) }
    }
    guard bytes.byteCount >= start else { throw DecodingProblem.malformed }
    let text = bytes.withUnsafeBytes { String(validating: $0.dropFirst(start), as: UTF8.self) }
    guard let text else { throw DecodingProblem.malformed }
    self = text
  }
}

extension Data: PostgresArrayElement {
  /// bytea
  public static var postgresType: PostgresType { .bytea }
  /// bytea[]
  public static var postgresArrayType: PostgresType { .byteaArray }
  /// Appends the bytes.
  public func encode(into bytes: inout [UInt8]) { bytes.append(contentsOf: self) }
  /// Reads bytea.
  public init(postgresBytes bytes: RawSpan, type: PostgresType) throws {
    guard type == .bytea else { throw DecodingProblem.typeMismatch(type) }
    self = bytes.withUnsafeBytes { Data($0) }
  }
}

extension UUID: PostgresArrayElement {
  /// uuid
  public static var postgresType: PostgresType { .uuid }
  /// uuid[]
  public static var postgresArrayType: PostgresType { .uuidArray }
  /// Appends sixteen bytes.
  public func encode(into bytes: inout [UInt8]) {
    Swift.withUnsafeBytes(of: uuid) { bytes.append(contentsOf: $0) }
  }
  /// Reads uuid.
  public init(postgresBytes bytes: RawSpan, type: PostgresType) throws {
    guard type == .uuid else { throw DecodingProblem.typeMismatch(type) }
    guard bytes.byteCount == 16 else { throw DecodingProblem.malformed }
    self.init(uuid: bytes.unsafeLoadUnaligned(as: uuid_t.self))
  }
}
