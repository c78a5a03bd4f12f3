import Learning
import PostgreSQL
import RowFormats

/// The labels of a dataset by column, as the learner wants them, in the order of their ids.
struct TrainingColumns: Sendable {
  /// Whose values these are.
  private(set) var features: [Feature]
  /// The id of each row.
  private(set) var ids: [Int] = []
  private var outcomes: [UInt8] = []
  private var numbers: [[Double]]
  private var codes: [[Int32]]
  /// The names of each categorical column; new rows are read with them.
  var levels: [LevelIndex]

  /// No rows yet, with room for so many.
  init(features: [Feature], expectedRows: Int) {
    self.features = features
    let numberSlots = features.count { $0.type != .categorical }
    numbers = Array(repeating: [], count: numberSlots)
    codes = Array(repeating: [], count: features.count - numberSlots)
    levels = Array(repeating: LevelIndex(), count: features.count - numberSlots)
    // Some more, so that the rows of the next posts fit in without a copy; memory that is not written to costs nothing.
    reserve(expectedRows + expectedRows / 8)
  }

  /// How many rows there are.
  var rowCount: Int { ids.count }
  /// How many of them have the outcome 1.
  var positives: Int { outcomes.reduce(into: 0) { $0 += Int($1) } }
  /// The highest id.
  var lastLabelID: Int { ids.last ?? 0 }
  /// How much memory all of it takes, about.
  var byteCount: Int {
    rowCount * (9 + numbers.count * 8 + codes.count * 4) + levels.reduce(0) { $0 + $1.byteCount }
  }

  /// Takes rows that are not there yet; to be followed by ``putInOrder()`` once all have come.
  mutating func append(_ rows: borrowing TrainingRows) {
    if ids.capacity - ids.count < rows.count { reserve(ids.count + max(rows.count, ids.count / 8)) }
    ids.append(contentsOf: rows.ids)
    outcomes.append(contentsOf: rows.outcomes)
    for slot in numbers.indices {
      Self.gather(rows.numbers, slot, of: rows.numberSlots, into: &numbers[slot])
    }
    for slot in codes.indices { Self.gather(rows.codes, slot, of: rows.categorySlots, into: &codes[slot]) }
  }

  /// Takes rows of which some may be there already: those are replaced.
  mutating func merge(_ rows: consuming TrainingRows) {
    var new = TrainingRows(features: features)
    for row in 0..<rows.count {
      guard let place = place(of: rows.ids[row]) else {
        new.append(row, of: rows)
        continue
      }
      outcomes[place] = rows.outcomes[row]
      for slot in numbers.indices { numbers[slot][place] = rows.numbers[row * rows.numberSlots + slot] }
      for slot in codes.indices { codes[slot][place] = rows.codes[row * rows.categorySlots + slot] }
    }
    append(new)
    putInOrder()
  }

  /// Sorts the rows by id, as they are stored; a look at them if they are in order already.
  mutating func putInOrder() {
    guard !zip(ids, ids.dropFirst()).allSatisfy({ $0 < $1 }) else { return }
    pick(ids.indices.sorted { ids[$0] < ids[$1] })
  }

  /// Removes the rows whose ids are not among `stored`, which are in order.
  mutating func keep(only stored: [Int]) {
    var kept: [Int] = []
    kept.reserveCapacity(rowCount)
    var next = 0
    for (place, id) in ids.enumerated() {
      while next < stored.count, stored[next] < id { next += 1 }
      if next < stored.count, stored[next] == id { kept.append(place) }
    }
    if kept.count < rowCount { pick(kept) }
  }

  /// Goes on with the features of a dataset that was extended: in the rows so far, the added ones are missing.
  mutating func extend(to features: [Feature]) {
    self.features = features
    let numberSlots = features.count { $0.type != .categorical }
    while numbers.count < numberSlots { numbers.append(Array(repeating: .nan, count: rowCount)) }
    while codes.count < features.count - numberSlots {
      codes.append(Array(repeating: LevelIndex.missing, count: rowCount))
      levels.append(LevelIndex())
    }
  }

  /// The columns in the order of the features.
  ///
  /// Names are numbered in the order in which the rows have them, whatever rows there were before: a model depends on
  /// the stored labels alone, to the last bit.
  mutating func table() throws -> TrainingTable {
    for slot in codes.indices { number(slot) }
    return try TrainingTable(
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

  private mutating func number(_ slot: Int) {
    let names = levels[slot].names
    var numbers = [Int32](repeating: LevelIndex.missing, count: names.count)
    var order: [Int] = []
    for code in codes[slot] where code >= 0 && numbers[Int(code)] < 0 {
      numbers[Int(code)] = Int32(order.count)
      order.append(Int(code))
      if order.count == names.count { break }
    }
    guard order != Array(names.indices) else { return }
    codes[slot] = codes[slot].map { $0 < 0 ? $0 : numbers[Int($0)] }
    levels[slot] = LevelIndex(order.map { names[$0] })
  }

  private func place(of id: Int) -> Int? {
    var (low, high) = (0, ids.count)
    while low < high {
      let middle = (low + high) / 2
      if ids[middle] < id { low = middle + 1 } else { high = middle }
    }
    return low < ids.count && ids[low] == id ? low : nil
  }

  /// The rows at `places`, in that order, and no others. A column at a time, so that one is there twice at the most.
  private mutating func pick(_ places: [Int]) {
    ids = places.map { ids[$0] }
    outcomes = places.map { outcomes[$0] }
    for slot in numbers.indices { numbers[slot] = places.map { [column = numbers[slot]] in column[$0] } }
    for slot in codes.indices { codes[slot] = places.map { [column = codes[slot]] in column[$0] } }
  }

  private mutating func reserve(_ rows: Int) {
    ids.reserveCapacity(rows)
    outcomes.reserveCapacity(rows)
    for slot in numbers.indices { numbers[slot].reserveCapacity(rows) }
    for slot in codes.indices { codes[slot].reserveCapacity(rows) }
  }

  /// Appends every `width`-th value from `slot` on to a column.
  private static func gather<Value>(_ rows: [Value], _ slot: Int, of width: Int, into column: inout [Value]) {
    var index = slot
    while index < rows.count {
      column.append(rows[index])
      index += width
    }
  }
}
