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
  /// The attributes of each row.
  private(set) var attributes: AttributeColumns

  /// Creates an empty buffer for rows with or without times.
  init(features: [Feature], hasTimes: Bool) {
    attributes = AttributeColumns(hasTimes: hasTimes)
    numberSlots = features.count { $0.type != .categorical }
    categorySlots = features.count - numberSlots
  }

  /// The number of rows.
  var count: Int { ids.count }

  /// The memory of the rows in bytes.
  var byteCount: Int { count * (9 + attributes.rowBytes + numberSlots * 8 + categorySlots * 4) }

  /// The columns that ``append(_:levels:groups:)`` expects, in its order. The attributes that most rows do not have cost four
  /// bytes each there; the time, which every row has, is read only where it is needed.
  static func columns(hasTimes: Bool) -> Query {
    hasTimes
      ? "label, id, numbers, categories, weight, group_name, split, coalesce(occurred_at, created_at)"
      : "label, id, numbers, categories, weight, group_name, split"
  }

  /// Appends one row. Arrays that are shorter than the dataset's slots come from rows older than the newest features,
  /// whose values are missing.
  mutating func append(
    _ row: borrowing BinaryCopyReader, levels: inout [LevelIndex], groups: inout GroupIndex
  ) throws {
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
    attributes.append(try Self.attributes(row, hasTimes: attributes.hasTimes, groups: &groups))
  }

  private static func attributes(
    _ row: borrowing BinaryCopyReader, hasTimes: Bool, groups: inout GroupIndex
  ) throws -> AttributeColumns.Row {
    var attributes = AttributeColumns.Row()
    if !row.isNull(4) { attributes.weight = try row.decode(4, as: Double.self) }
    if let name = try row.fieldRange(5) {
      attributes.group = row.data[name].withUnsafeBytes { groups.code(of: $0) }
    }
    if !row.isNull(6) {
      switch try row.decode(6, as: String.self) {
      case "train": attributes.split = .train
      case "validation": attributes.split = .validation
      default: break
      }
    }
    if hasTimes {
      let time = try row.decode(7, as: Int.self).addingReportingOverflow(Int(AttributeColumn.epoch))
      // The largest number is "infinity".
      attributes.time = time.overflow ? .max : Int64(time.partialValue)
    }
    return attributes
  }

  /// Appends a row of another buffer with the same slots.
  mutating func append(_ row: Int, of rows: borrowing TrainingRows) {
    ids.append(rows.ids[row])
    outcomes.append(rows.outcomes[row])
    numbers += rows.numbers[row * numberSlots..<(row + 1) * numberSlots]
    codes += rows.codes[row * categorySlots..<(row + 1) * categorySlots]
    attributes.append(rows.attributes[row])
  }

  /// Removes the rows and keeps the capacity.
  mutating func removeAll() {
    ids.removeAll(keepingCapacity: true)
    outcomes.removeAll(keepingCapacity: true)
    numbers.removeAll(keepingCapacity: true)
    codes.removeAll(keepingCapacity: true)
    attributes.removeAll()
  }
}
