import Learning
import PostgreSQL
import RowFormats

/// Rows as they come out of the database, row after row, before they are put into columns.
struct TrainingRows: Sendable {
  /// Numeric values a row has.
  let numberSlots: Int
  /// Categorical values a row has.
  let categorySlots: Int
  private(set) var ids: [Int] = []
  /// The outcome of each row, 0 or 1.
  private(set) var outcomes: [UInt8] = []
  /// `numberSlots` values for each row; NaN = missing.
  private(set) var numbers: [Double] = []
  /// `categorySlots` codes for each row.
  private(set) var codes: [Int32] = []

  /// No rows yet.
  init(features: [Feature]) {
    numberSlots = features.count { $0.type != .categorical }
    categorySlots = features.count - numberSlots
  }

  /// How many rows there are.
  var count: Int { ids.count }

  /// What the rows are read with: the columns that ``append(_:levels:)`` expects, in its order.
  static let columns: Query = "label, id, numbers, categories"

  /// Takes one row. Arrays that are shorter than the dataset has slots are of rows from before it was extended: the
  /// rest is missing.
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

  /// Takes a row of others that have the same slots.
  mutating func append(_ row: Int, of rows: borrowing TrainingRows) {
    ids.append(rows.ids[row])
    outcomes.append(rows.outcomes[row])
    numbers += rows.numbers[row * numberSlots..<(row + 1) * numberSlots]
    codes += rows.codes[row * categorySlots..<(row + 1) * categorySlots]
  }

  /// Forgets the rows and keeps the memory.
  mutating func removeAll() {
    ids.removeAll(keepingCapacity: true)
    outcomes.removeAll(keepingCapacity: true)
    numbers.removeAll(keepingCapacity: true)
    codes.removeAll(keepingCapacity: true)
  }
}
