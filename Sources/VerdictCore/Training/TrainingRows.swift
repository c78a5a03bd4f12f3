import Learning
import PostgreSQL
import RowFormats

/// Rows from the database in row order, before they are appended to columns.
struct TrainingRows: Sendable {
  /// The number of numeric values per row.
  let numberSlots: Int
  /// The number of categorical values per row.
  let categorySlots: Int
  private(set) var ids: [Int] = []
  /// The outcome of each row, 0 or 1.
  private(set) var outcomes: [UInt8] = []
  /// `numberSlots` values per row; NaN means missing.
  private(set) var numbers: [Double] = []
  /// `categorySlots` codes per row.
  private(set) var codes: [Int32] = []

  /// Creates an empty buffer.
  init(features: [Feature]) {
    numberSlots = features.count { $0.type != .categorical }
    categorySlots = features.count - numberSlots
  }

  /// The number of rows.
  var count: Int { ids.count }

  /// The memory of the rows in bytes.
  var byteCount: Int { count * (9 + numberSlots * 8 + categorySlots * 4) }

  /// The columns that ``append(_:levels:)`` expects, in its order.
  static let columns: Query = "label, id, numbers, categories"

  /// Appends one row. Arrays that are shorter than the dataset's slots come from rows older than the newest features,
  /// whose values are missing.
  mutating func append(_ row: borrowing BinaryCopyReader, levels: inout [LevelIndex]) throws {
    outcomes.append(try row.decode(0, as: Bool.self) ? 1 : 0)
    ids.append(try row.decode(1, as: Int.self))
    let given = try row.appendDoubles(2, to: &numbers)
    if given > numberSlots { numbers.removeLast(given - numberSlots) }
    for _ in given..<max(given, numberSlots) { numbers.append(.nan) }
    var slot = 0
    _ = try row.forEachElement(3, of: .text) { name in
      if slot < categorySlots {
        if let name {
          codes.append(levels[slot].code(of: name))
        } else {
          codes.append(LevelIndex.missing)
        }
      }
      slot += 1
    }
    for _ in slot..<max(slot, categorySlots) { codes.append(LevelIndex.missing) }
  }

  /// Appends a row of another buffer with the same slots.
  mutating func append(_ row: Int, of rows: borrowing TrainingRows) {
    ids.append(rows.ids[row])
    outcomes.append(rows.outcomes[row])
    numbers += rows.numbers[row * numberSlots..<(row + 1) * numberSlots]
    codes += rows.codes[row * categorySlots..<(row + 1) * categorySlots]
  }

  /// Removes the rows and keeps the capacity.
  mutating func removeAll() {
    ids.removeAll(keepingCapacity: true)
    outcomes.removeAll(keepingCapacity: true)
    numbers.removeAll(keepingCapacity: true)
    codes.removeAll(keepingCapacity: true)
  }
}
