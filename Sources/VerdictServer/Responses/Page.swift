import Foundation
import Hummingbird

/// One page of a list, with the cursor of the next.
struct Page<Item> {
  var items: [Item]
  var nextCursor: String?

  /// A page from up to one item more than it may have; the surplus item only indicates a next page.
  ///
  /// - Parameter position: an item's position in the list's order, stable under inserts and deletes.
  init(_ items: [Item], limit: Int, position: (Item) -> String) {
    self.items = Array(items.prefix(limit))
    nextCursor = items.count > limit ? self.items.last.map { Cursor.encode(position($0)) } : nil
  }
}

/// Opaque cursors: the position of the last item of a page, in base64url.
enum Cursor {
  static func encode(_ position: String) -> String {
    Data(position.utf8).base64EncodedString()
      .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }

  static func decode(_ cursor: String) -> String? {
    var base64 = cursor.replacing("-", with: "+").replacing("_", with: "/")
    base64 += String(repeating: "=", count: (4 - base64.count % 4) % 4)
    return Data(base64Encoded: base64).flatMap { String(data: $0, encoding: .utf8) }
  }
}
