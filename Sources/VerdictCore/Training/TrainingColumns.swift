import Learning
import PostgreSQL
import RowFormats

/// The labels of a dataset by column, in the learner's form and in the order of their ids.
struct TrainingColumns: Sendable {
  /// The features of the columns.
  private(set) var features: [Feature]
  /// The id of each row.
  private(set) var ids: [Int] = []
  private var outcomes: [UInt8] = []
  private var numbers: [[Double]]
  private var codes: [[Int32]]
  /// The category names of each categorical column, which also encode new rows.
  var levels: [LevelIndex]
  private var attributes: AttributeColumns
  /// The groups of the rows, which also encode new rows.
  var groups = GroupIndex()

  /// Creates empty columns with capacity for `expectedRows`, with or without the times of the rows.
  init(features: [Feature], expectedRows: Int, hasTimes: Bool = false) {
    self.features = features
    attributes = AttributeColumns(hasTimes: hasTimes)
    let numberSlots = features.count { $0.type != .categorical }
    numbers = Array(repeating: [], count: numberSlots)
    codes = Array(repeating: [], count: features.count - numberSlots)
    levels = Self.levels(of: features)
    // Extra capacity lets the rows of the next posts fit without a copy. Unwritten memory costs nothing.
    reserve(expectedRows + expectedRows / 8)
  }

  /// The number of rows.
  var rowCount: Int { ids.count }
  /// The number of rows with outcome 1.
  var positives: Int { outcomes.reduce(into: 0) { $0 += Int($1) } }
  /// The highest id.
  var lastLabelID: Int { ids.last ?? 0 }
  /// The approximate memory use in bytes.
  var byteCount: Int {
    rowCount * (9 + attributes.rowBytes + numbers.count * 8 + codes.count * 4)
      + levels.reduce(groups.byteCount) { $0 + $1.byteCount }
  }
  /// Whether the rows have times.
  var hasTimes: Bool { attributes.hasTimes }

  /// The memory in bytes of a training on these columns when they have at least `rows` rows.
  ///
  /// - Parameter pairs: the most pairs of an additive model; nil for a linear one.
  func footprint(rows: Int, pairs: Int? = nil) -> Int {
    let training = TrainingFootprint(
      rows: max(rows, rowCount), numeric: numbers.count, categorical: codes.count,
      levels: levels.reduce(0) { $0 + $1.names.count }, attributes: attributes.rowBytes, pairs: pairs)
    return training.bytes + groups.byteCount
  }

  /// Appends rows with new ids. ``sortByID()`` must follow after the last one.
  mutating func append(_ rows: borrowing TrainingRows) {
    if ids.capacity - ids.count < rows.count { reserve(ids.count + max(rows.count, ids.count / 8)) }
    ids.append(contentsOf: rows.ids)
    outcomes.append(contentsOf: rows.outcomes)
    for slot in numbers.indices {
      Self.gather(rows.numbers, slot, of: rows.numberSlots, into: &numbers[slot])
    }
    for slot in codes.indices { Self.gather(rows.codes, slot, of: rows.categorySlots, into: &codes[slot]) }
    attributes.append(rows.attributes)
  }

  /// Merges rows: those with existing ids replace the stored ones.
  mutating func merge(_ rows: consuming TrainingRows) {
    var new = TrainingRows(features: features, hasTimes: hasTimes)
    for row in 0..<rows.count {
      guard let place = place(of: rows.ids[row]) else {
        new.append(row, of: rows)
        continue
      }
      outcomes[place] = rows.outcomes[row]
      for slot in numbers.indices { numbers[slot][place] = rows.numbers[row * rows.numberSlots + slot] }
      for slot in codes.indices { codes[slot][place] = rows.codes[row * rows.categorySlots + slot] }
      attributes.replace(place, with: rows.attributes[row])
    }
    append(new)
    sortByID()
  }

  /// Sorts the rows by id, unless they are sorted already.
  mutating func sortByID() {
    guard !zip(ids, ids.dropFirst()).allSatisfy({ $0 < $1 }) else { return }
    pick(ids.indices.sorted { ids[$0] < ids[$1] })
  }

  /// Removes the rows whose ids are not in `stored`, which must be sorted.
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

  /// Adds the features that a dataset has gained. Their values are missing in the present rows.
  mutating func extend(to features: [Feature]) {
    self.features = features
    let numberSlots = features.count { $0.type != .categorical }
    while numbers.count < numberSlots { numbers.append(Array(repeating: .nan, count: rowCount)) }
    while codes.count < features.count - numberSlots {
      codes.append(Array(repeating: LevelIndex.missing, count: rowCount))
    }
    levels += Self.levels(of: features)[levels.count...]
  }

  /// Returns the columns in the order of the features.
  ///
  /// Category names are renumbered in the order of their first row, independently of earlier rows, so that a model
  /// depends on the stored labels only, to the last bit.
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
      outcomes: outcomes, attributes: attributes.attributes(&groups))
  }

  /// The numbers whose magnitude exceeds the range of models, by row and feature: the first `most` and the count of all.
  func outOfRange(most: Int) -> (first: [(label: Int, feature: String)], count: Int) {
    let numeric = features.filter { $0.type != .categorical }
    var first: [(label: Int, feature: String)] = []
    var count = 0
    for place in ids.indices {
      for feature in numeric where abs(numbers[feature.slot][place]) > FeatureValue.largestMagnitude {
        count += 1
        if first.count < most { first.append((ids[place], feature.name)) }
      }
    }
    return (first, count)
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
    levels[slot] = LevelIndex(order.map { names[$0] }, listed: levels[slot].listed)
  }

  /// An empty index for each categorical feature, by slot.
  private static func levels(of features: [Feature]) -> [LevelIndex] {
    features.filter { $0.type == .categorical }.sorted { $0.slot < $1.slot }
      .map { LevelIndex(listed: $0.categories) }
  }

  private func place(of id: Int) -> Int? {
    var (low, high) = (0, ids.count)
    while low < high {
      let middle = (low + high) / 2
      if ids[middle] < id { low = middle + 1 } else { high = middle }
    }
    return low < ids.count && ids[low] == id ? low : nil
  }

  /// Keeps only the rows at `places`, in that order. Works column by column, so that at most one column is in memory
  /// twice.
  private mutating func pick(_ places: [Int]) {
    ids = places.map { ids[$0] }
    outcomes = places.map { outcomes[$0] }
    for slot in numbers.indices { numbers[slot] = places.map { [column = numbers[slot]] in column[$0] } }
    for slot in codes.indices { codes[slot] = places.map { [column = codes[slot]] in column[$0] } }
    attributes.pick(places)
  }

  private mutating func reserve(_ rows: Int) {
    ids.reserveCapacity(rows)
    outcomes.reserveCapacity(rows)
    for slot in numbers.indices { numbers[slot].reserveCapacity(rows) }
    for slot in codes.indices { codes[slot].reserveCapacity(rows) }
    attributes.reserve(rows)
  }

  /// Appends every `width`-th value of `rows`, from `slot` on, to a column.
  private static func gather<Value>(_ rows: [Value], _ slot: Int, of width: Int, into column: inout [Value]) {
    var index = slot
    while index < rows.count {
      column.append(rows[index])
      index += width
    }
  }
}
