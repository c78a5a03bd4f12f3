import Learning
import PostgreSQL

/// Collects rows from the database column by column.
struct TrainingColumns {
  private let features: [Feature]
  private var numbers: [[Double]]
  private var codes: [[Int32]]
  private var levels: [LevelIndex]
  private var outcomes: [UInt8] = []
  private(set) var lastLabelID = 0

  var rowCount: Int { outcomes.count }

  init(features: [Feature], expectedRows: Int) {
    self.features = features
    let numberSlots = features.count { $0.type != .categorical }
    numbers = Array(repeating: [], count: numberSlots)
    codes = Array(repeating: [], count: features.count - numberSlots)
    levels = Array(repeating: LevelIndex(), count: features.count - numberSlots)
    outcomes.reserveCapacity(expectedRows)
    for slot in numbers.indices { numbers[slot].reserveCapacity(expectedRows) }
    for slot in codes.indices { codes[slot].reserveCapacity(expectedRows) }
  }

  /// Takes one row: label, id, numbers, categories. Arrays that are shorter than the dataset has slots are of rows
  /// from before it was extended: the rest is missing.
  mutating func append(_ row: borrowing BinaryCopyReader) throws {
    outcomes.append(try row.decode(0, as: Bool.self) ? 1 : 0)
    lastLabelID = max(lastLabelID, try row.decode(1, as: Int.self))
    let values = try row.decode(2, as: [Double?].self)
    for slot in numbers.indices {
      numbers[slot].append(slot < values.count ? values[slot] ?? .nan : .nan)
    }
    let names = try row.decode(3, as: [String?].self)
    for slot in codes.indices {
      codes[slot].append(slot < names.count ? levels[slot].code(of: names[slot]) : LevelIndex.missing)
    }
  }

  /// The columns in the order of the features.
  func table() throws -> TrainingTable {
    try TrainingTable(
      names: features.map(\.name),
      kinds: features.map { feature in
        switch feature.type {
        case .continuous: .continuous
        case .discrete: .discrete
        case .categorical: .categorical
        }
      },
      columns: features.map { feature in
        feature.type == .categorical
          ? .categorical(codes: codes[feature.slot], levels: levels[feature.slot].names)
          : .numeric(numbers[feature.slot])
      },
      outcomes: outcomes)
  }
}

/// The names of a categorical column, numbered in the order in which they first come.
private struct LevelIndex {
  static let missing: Int32 = -1

  private(set) var names: [String] = []
  private var codes: [String: Int32] = [:]

  mutating func code(of name: String?) -> Int32 {
    guard let name else { return Self.missing }
    if let code = codes[name] { return code }
    let code = Int32(names.count)
    names.append(name)
    codes[name] = code
    return code
  }
}
