/// The groups of the rows, with the rows of each outcome in each group. A row without a group is a group of its own.
struct RowGroups: Sendable {
  /// The group of each row, 0..<count.
  let codes: [Int32]
  /// The number of groups.
  let count: Int
  /// The number of rows with outcome 0 and 1 of each group, at 2 · group + outcome.
  let sizes: [Int32]
  /// The number of groups that have rows with outcome 0 and 1.
  let carriers: [Int]

  /// Counts the rows of each group; `groups` has the codes of a table's attributes.
  init(_ groups: [Int32], outcomes: [UInt8], checkpoint: () throws -> Void) throws {
    var count = groups.reduce(0) { max($0, Int($1) + 1) }
    var codes = groups
    try checkpoint()
    for row in codes.indices where codes[row] < 0 {
      codes[row] = Int32(count)
      count += 1
    }
    try checkpoint()
    var sizes = [Int32](repeating: 0, count: 2 * count)
    for row in codes.indices { sizes[2 * Int(codes[row]) + Int(outcomes[row])] += 1 }
    self.codes = codes
    self.count = count
    self.sizes = sizes
    carriers = [0, 1].map { outcome in (0..<count).count { sizes[2 * $0 + outcome] > 0 } }
  }

  /// The number of rows with outcome 0 and 1 of a group.
  func size(_ group: Int) -> [Int] { [Int(sizes[2 * group]), Int(sizes[2 * group + 1])] }

  /// The groups in a random order, and then from the largest to the smallest: a counting sort, which keeps the order of equals.
  func largestFirst(seed: UInt64, checkpoint: () throws -> Void) throws -> [Int32] {
    var generator = SplitMix64(seed: seed)
    var order = [Int32](0..<Int32(count))
    // Fisher and Yates, as in Knuth, The Art of Computer Programming 2, 3.4.2, algorithm P.
    for last in stride(from: count - 1, to: 0, by: -1) {
      if last % (1 << 18) == 0 { try checkpoint() }
      order.swapAt(last, generator.below(last + 1))
    }
    func rows(_ group: Int32) -> Int { Int(sizes[2 * Int(group)]) + Int(sizes[2 * Int(group) + 1]) }
    let largest = order.reduce(0) { max($0, rows($1)) }
    var places = [Int](repeating: 0, count: largest + 2)
    try checkpoint()
    for group in order { places[largest - rows(group) + 1] += 1 }
    for size in 1..<places.count { places[size] += places[size - 1] }
    try checkpoint()
    var sorted = order
    for group in order {
      let place = largest - rows(group)
      sorted[places[place]] = group
      places[place] += 1
    }
    return sorted
  }
}
