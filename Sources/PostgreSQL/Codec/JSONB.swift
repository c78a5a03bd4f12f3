#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// A JSON document in UTF-8, sent as jsonb and read from jsonb or json.
public struct JSONB: Sendable, Hashable {
  /// The document in UTF-8.
  public var bytes: Data

  /// Encodes a value.
  ///
  /// - Throws: ``PostgreSQLError`` of kind `encoding`.
  public init(_ value: some Encodable, encoder: JSONEncoder = JSONEncoder()) throws {
    do {
      bytes = try encoder.encode(value)
    } catch {
      throw PostgreSQLError(.encoding, "the value cannot be written as JSON", underlying: error)
    }
  }

  /// Wraps a JSON document, which the server validates.
  public init(bytes: Data) { self.bytes = bytes }

  /// Decodes the document.
  ///
  /// - Throws: ``PostgreSQLError`` of kind `decoding`.
  public func decode<T: Decodable>(_ type: T.Type, decoder: JSONDecoder = JSONDecoder()) throws -> T {
    do {
      return try decoder.decode(T.self, from: bytes)
    } catch {
      throw PostgreSQLError(.decoding, "the document cannot be decoded as \(T.self)", underlying: error)
    }
  }
}

extension JSONB: PostgresArrayElement {
  /// jsonb
  public static var postgresType: PostgresType { .jsonb }
  /// jsonb[]
  public static var postgresArrayType: PostgresType { .jsonbArray }
  /// Appends a version byte and the text (`jsonb_send`).
  public func encode(into bytes: inout [UInt8]) {
    bytes.append(1)
    bytes.append(contentsOf: self.bytes)
  }
  /// Reads jsonb and json.
  public init(postgresBytes bytes: RawSpan, type: PostgresType) throws {
    switch type {
    case .json: self.bytes = bytes.withUnsafeBytes { Data($0) }
    case .jsonb:
      guard bytes.byteCount > 1, bytes.unsafeLoadUnaligned(as: UInt8.self) == 1 else {
        throw DecodingProblem.malformed
      }
      self.bytes = bytes.withUnsafeBytes { Data($0.dropFirst()) }
    default: throw DecodingProblem.typeMismatch(type)
    }
  }
}
