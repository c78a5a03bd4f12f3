import Foundation
import Hummingbird
import VerdictCore

extension Context {
  /// The dataset's name in the path. A text that can be no name is no dataset's.
  func dataset() throws -> String {
    let name = try parameter("dataset")
    guard Names.isSlug(name) else { throw DomainError.notFound(what: "dataset of that name") }
    return name
  }

  /// A positive number in the path. A text that is none is nothing's number.
  func number(_ name: String, of what: String, atMost maximum: Int = .max) throws -> Int {
    let text = try parameter(name)
    guard let number = QueryParameters.integer(text), (1...maximum).contains(number) else {
      throw DomainError.notFound(what: "\(what) of that number")
    }
    return number
  }

  /// A UUID in the path.
  func identifier(_ name: String, of what: String) throws -> UUID {
    guard let id = UUID(uuidString: try parameter(name)) else {
      throw DomainError.notFound(what: "\(what) of that id")
    }
    return id
  }

  private func parameter(_ name: String) throws -> String {
    guard let value = parameters.get(name) else { throw DomainError.notFound(what: "such path") }
    return value
  }
}

/// Names that clients choose.
enum Names {
  /// Whether a text can stand in URLs: DESIGN's slug, `^[a-z0-9][a-z0-9_-]{0,62}$`.
  static func isSlug(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard (1...63).contains(bytes.count) else { return false }
    return bytes.enumerated().allSatisfy { index, byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
      case UInt8(ascii: "-"), UInt8(ascii: "_"): index > 0
      default: false
      }
    }
  }
}
