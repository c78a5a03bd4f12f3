/// Merging of bins with few training rows. The value of a merged bin is the mean over its rows; see ``ModelTerm/Bin``.
extension ModelTerm {
  /// The parts of a sequence of bins that are shown as one each, in order: neighbours are merged until every part has at least
  /// `minimumRows` rows. Empty if all bins together have fewer.
  ///
  /// The part with the fewest rows goes first, to its neighbour with fewer rows; of equals the first.
  static func neighbours(rows: [Int], minimumRows: Int) -> [[Int]] {
    var parts = rows.indices.map { [$0] }
    var sums = rows
    while let least = sums.indices.min(by: { sums[$0] < sums[$1] }), sums[least] < minimumRows {
      guard sums.count > 1 else { return [] }
      let right: Int
      if least == 0 || (least + 1 < sums.count && sums[least + 1] < sums[least - 1]) {
        right = least + 1
      } else {
        right = least
      }
      parts[right - 1] += parts.remove(at: right)
      sums[right - 1] += sums.remove(at: right)
    }
    return parts
  }

  /// The parts of a set of categories that are shown as one each: those with too few rows are together in the last part, with the
  /// rarest others if they need more. Empty if all categories together have too few.
  static func rarest(rows: [Int], minimumRows: Int) -> [[Int]] {
    var others = rows.indices.sorted { (rows[$0], $0) < (rows[$1], $1) }[...]
    var merged: [Int] = []
    var sum = 0
    while let rarest = others.first, rows[rarest] < minimumRows || (!merged.isEmpty && sum < minimumRows) {
      merged.append(rarest)
      sum += rows[rarest]
      others = others.dropFirst()
    }
    let alone = others.sorted().map { [$0] }
    guard !merged.isEmpty else { return alone }
    return sum < minimumRows ? [] : alone + [merged.sorted()]
  }

  /// The regions of a table that are shown as one each: cells are merged with neighbours until every region has at least `minimumRows`
  /// rows. Empty if all cells together have fewer.
  ///
  /// - Parameters:
  ///   - rows: the training rows of the cells, `columns` a line.
  ///   - columns: the number of cells in a line.
  ///   - areNeighbours: for both axes, whether two of its indices are neighbours.
  static func regions(
    rows: [Int], columns: Int, minimumRows: Int,
    areNeighbours: (_ axis: Int, _ one: Int, _ other: Int) -> Bool
  ) -> [[Int]] {
    guard rows.reduce(0, +) >= max(minimumRows, 1) else { return [] }
    var regionOf = Array(rows.indices)
    var parts: [[Int]?] = rows.indices.map { [$0] }
    var sums = rows
    let lines = rows.count / max(columns, 1)
    func neighbours(_ cell: Int) -> [Int] {
      let (line, column) = (cell / columns, cell % columns)
      return (0..<lines).filter { $0 != line && areNeighbours(0, line, $0) }.map { $0 * columns + column }
        + (0..<columns).filter { $0 != column && areNeighbours(1, column, $0) }.map { line * columns + $0 }
    }
    while let least = parts.indices.filter({ parts[$0] != nil }).min(by: { sums[$0] < sums[$1] }),
      sums[least] < minimumRows, let part = parts[least]
    {
      var candidates = Set(part.flatMap(neighbours).map { regionOf[$0] })
      candidates.remove(least)
      // Missing values have neighbours in their own line alone; with none left, any region takes them.
      if candidates.isEmpty { candidates = Set(parts.indices.filter { $0 != least && parts[$0] != nil }) }
      guard let other = candidates.min(by: { (sums[$0], $0) < (sums[$1], $1) }) else { return [] }
      for cell in part { regionOf[cell] = other }
      parts[other]?.append(contentsOf: part)
      parts[least] = nil
      sums[other] += sums[least]
    }
    return parts.compactMap { $0?.sorted() }.sorted { $0[0] < $1[0] }
  }
}

extension ModelTerm.Bin {
  /// The bin of merged ones: the means over their rows. Of bins without any row it is the plain mean.
  init(merging bins: [ModelTerm.Bin]) {
    if bins.count == 1 {
      self = bins[0]
      return
    }
    let rows = bins.reduce(0) { $0 + $1.rows }
    let weights = bins.map { rows > 0 ? Double($0.rows) / Double(rows) : 1 / Double(bins.count) }
    value = zip(weights, bins).reduce(0) { $0 + $1.0 * $1.1.value }
    self.rows = rows
    let counted = zip(weights, bins).filter { $0.0 > 0 }
    standardError =
      counted.contains { $0.1.standardError == nil }
      ? nil : counted.reduce(0) { $0 + $1.0 * ($1.1.standardError ?? 0) }
  }
}
