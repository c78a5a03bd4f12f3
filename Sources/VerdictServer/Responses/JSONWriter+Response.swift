import Foundation
import NIOCore
import RowFormats

extension JSONWriter {
  /// The text as the body of a response.
  var buffer: ByteBuffer { ByteBuffer(bytes: bytes) }

  /// Writes a point in time as RFC 3339 in UTC with milliseconds.
  mutating func time(_ value: Date) { string(Timestamp.format(value)) }

  /// Writes a value that defines its own stable JSON form, such as a model or its KPIs.
  mutating func encoded(_ value: some Encodable) throws { raw(try JSONEncoder.plain.encode(value)) }
}

extension JSONEncoder {
  /// An encoder for types that define their own JSON form.
  static var plain: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
    return encoder
  }
}
