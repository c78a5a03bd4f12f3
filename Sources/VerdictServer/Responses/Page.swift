import Foundation
import Hummingbird

/// One page of a list, with the cursor of the next.
struct Page<Item> {
  /// The items that the page may have, by their number.
  let items: ArraySlice<Item>
  private let all: [Item]
  private let position: (Item) -> String

  /// A page from up to one item more than it may have; the surplus item only indicates a next page.
  ///
  /// - Parameter position: an item's position in the list's order, stable under inserts and deletes.
  init(_ items: [Item], limit: Int, position: @escaping (Item) -> String) {
    all = items
    self.items = items.prefix(limit)
    self.position = position
  }

  /// The cursor after the first items of the page; `nil` if none follow.
  func cursor(after count: Int) -> String? {
    guard count > 0, count < all.count else { return nil }
    return Cursor.encode(position(all[count - 1]))
  }
}

/// Opaque cursors: the position of the last item of a page, in base64url. A position is ASCII without control characters.
///
/// openapi.yaml has a pattern for the cursors of numbers, of names and of predictions. What the pattern says is taken.
enum Cursor {
  /// The characters of the cursor of a position with so many bytes: four for three bytes, without padding.
  static func length(ofPosition bytes: Int) -> Int { (bytes * 4 + 2) / 3 }

  /// The cursor of a position.
  static func encode(_ position: String) -> String {
    Data(position.utf8).base64EncodedString()
      .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }

  /// The position of a cursor; `nil` for a text that is not in the one form that ``encode(_:)`` gives a position.
  static func decode(_ cursor: String) -> String? {
    var base64 = cursor.replacing("-", with: "+").replacing("_", with: "/")
    base64 += String(repeating: "=", count: (4 - base64.count % 4) % 4)
    guard let bytes = Data(base64Encoded: base64), !bytes.isEmpty,
      bytes.allSatisfy({ (0x20...0x7F).contains($0) })
    else { return nil }
    let position = String(decoding: bytes, as: UTF8.self)
    return encode(position) == cursor ? position : nil
  }
}
