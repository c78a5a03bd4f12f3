import RowFormats

/// The bound of a page in bytes. A list ends there even if more rows were asked for, and its cursor continues.
package enum PageBudget {
  /// The bytes of text after which a page ends.
  package static let bytes = 4 << 20

  /// Reads the items of a page in steps, so that no statement returns much more than ``bytes``.
  ///
  /// The reading stops when the items before the last one reach the bound: their text is not shorter than `size` says, so that the
  /// page ends before the last item, which indicates a next page.
  ///
  /// - Parameters:
  ///   - limit: the largest number of items.
  ///   - largest: the largest size of an item in bytes; decides how many a statement reads.
  ///   - size: a lower bound of an item's text in bytes.
  ///   - read: returns the items after the given one, at most so many.
  static nonisolated(nonsending) func read<Item>(
    limit: Int, largest: Int, size: (Item) -> Int,
    _ read: (_ after: Item?, _ limit: Int) async throws -> [Item]
  ) async throws -> [Item] {
    let step = max(1, bytes / max(1, largest))
    var items: [Item] = []
    var total = 0
    while items.count < limit {
      let count = min(step, limit - items.count)
      let next = try await read(items.last, count)
      for item in next {
        items.append(item)
        if total >= bytes { return items }
        total += size(item)
      }
      if next.count < count { break }
    }
    return items
  }
}

extension Dataset {
  /// A lower bound of the text of a row in bytes: every feature is named.
  func rowText(_ row: FeatureRow) -> Int {
    features.reduce(0) { $0 + $1.name.utf8.count + 5 }
      + row.categories.reduce(0) { $0 + ($1?.utf8.count ?? 0) }
  }

  /// A lower bound of the text of the features in bytes.
  var schemaText: Int {
    features.reduce(0) { size, feature in
      size + feature.name.utf8.count + 20 + (feature.categories?.reduce(0) { $0 + $1.utf8.count } ?? 0)
    }
  }

  /// The largest size of a row in memory: a category has up to a thousand bytes, and three attributes have up to two hundred.
  var largestRow: Int {
    features.reduce(664) { $0 + $1.name.utf8.count + ($1.type == .categorical ? 1_000 : 16) }
  }
}
