import Foundation
import NIOCore
import RowFormats
import VerdictCore

/// Writes JSON text (RFC 8259) in the order of the calls.
///
/// Answers are written by hand rather than by `JSONEncoder`, because the contract promises every member, absent
/// values as explicit `null` and members in a stable order, and because a prediction's answer is on the hot path.
struct JSONWriter {
  private(set) var buffer: ByteBuffer
  private var needsComma = false

  init(capacity: Int = 512) {
    buffer = ByteBuffer()
    buffer.reserveCapacity(capacity)
  }

  /// `{…}` with the members that `members` writes.
  mutating func object(_ members: (inout JSONWriter) throws -> Void) rethrows {
    separate()
    buffer.writeInteger(UInt8(ascii: "{"))
    needsComma = false
    try members(&self)
    buffer.writeInteger(UInt8(ascii: "}"))
    needsComma = true
  }

  /// `[…]` with one element a call of `element`.
  mutating func array<S: Sequence>(_ elements: S, _ element: (inout JSONWriter, S.Element) throws -> Void)
    rethrows
  {
    separate()
    buffer.writeInteger(UInt8(ascii: "["))
    needsComma = false
    for item in elements { try element(&self, item) }
    buffer.writeInteger(UInt8(ascii: "]"))
    needsComma = true
  }

  /// The name of the member whose value is written next.
  mutating func name(_ name: String) {
    string(name)
    buffer.writeInteger(UInt8(ascii: ":"))
    needsComma = false
  }

  mutating func null() {
    separate()
    buffer.writeStaticString("null")
    needsComma = true
  }

  mutating func bool(_ value: Bool) {
    separate()
    buffer.writeString(value ? "true" : "false")
    needsComma = true
  }

  mutating func integer(_ value: some BinaryInteger) {
    separate()
    buffer.writeString(String(value))
    needsComma = true
  }

  /// A number in the shortest text that reads back as the same double; whole numbers without a fraction.
  /// JSON has no NaN and no infinity: they become `null`.
  mutating func number(_ value: Double) {
    separate()
    if value.isFinite {
      var text: [UInt8] = []
      appendNumber(value, to: &text)
      buffer.writeBytes(text)
    } else {
      buffer.writeStaticString("null")
    }
    needsComma = true
  }

  mutating func string(_ value: String) {
    separate()
    buffer.writeInteger(UInt8(ascii: "\""))
    var value = value
    value.withUTF8 { bytes in
      var start = 0
      for (index, byte) in bytes.enumerated() where byte < 0x20 || byte == 0x22 || byte == 0x5C {
        buffer.writeBytes(bytes[start..<index])
        start = index + 1
        switch byte {
        case 0x22: buffer.writeStaticString("\\\"")
        case 0x5C: buffer.writeStaticString("\\\\")
        case 0x0A: buffer.writeStaticString("\\n")
        case 0x0D: buffer.writeStaticString("\\r")
        case 0x09: buffer.writeStaticString("\\t")
        default:
          let digits = String(byte, radix: 16)
          buffer.writeString("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
        }
      }
      buffer.writeBytes(bytes[start...])
    }
    buffer.writeInteger(UInt8(ascii: "\""))
    needsComma = true
  }

  /// A point in time as RFC 3339 in UTC with milliseconds.
  mutating func time(_ value: Date) {
    string(Timestamp.format(value))
  }

  /// What `JSONEncoder` makes of a value that has its own stable JSON form, such as a model or its KPIs.
  mutating func encoded(_ value: some Encodable) throws {
    raw(try JSONEncoder.plain.encode(value))
  }

  /// JSON text that is written already.
  mutating func raw(_ json: some Sequence<UInt8>) {
    separate()
    buffer.writeBytes(json)
    needsComma = true
  }

  /// A value or `null`.
  mutating func optional<T>(_ value: T?, _ write: (inout JSONWriter, T) throws -> Void) rethrows {
    if let value { try write(&self, value) } else { null() }
  }

  private mutating func separate() {
    if needsComma { buffer.writeInteger(UInt8(ascii: ",")) }
  }
}

extension JSONEncoder {
  /// For types that say by themselves how they are written.
  static var plain: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
    return encoder
  }
}
