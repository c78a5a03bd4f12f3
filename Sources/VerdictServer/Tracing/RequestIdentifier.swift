import Foundation
import RowFormats
import VerdictCore

/// Creates and validates request ids (`X-Request-Id`).
enum RequestIdentifier {
  /// A new id: a UUID of version 7, which sorts by time.
  static func next() -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(36)
    bytes.append(uuid: .version7())
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The id that a client sent, if it is safe to log: 1 to 128 letters, digits, `-`, `_` and `.`.
  static func accepted(_ value: String) -> String? {
    guard (1...128).contains(value.utf8.count) else { return nil }
    let isPlain = value.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
        true
      default: false
      }
    }
    return isPlain ? value : nil
  }
}
