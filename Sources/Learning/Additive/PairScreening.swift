import CKernels

/// The choice of pairs by a score test on the residuals of a fit without them.
///
/// For two features, the residuals and curvatures of the rows are summed over the cells of their coarse bins. The weighted sum of squares
/// of the cells' mean residuals about the best sum of an effect of the row and one of the column is the score statistic of the
/// interaction, χ² with as many degrees of freedom as cells are left (as FAST in Lou, Caruana, Gehrke and Hooker 2013, Accurate
/// Intelligible Models with Pairwise Interactions).
struct PairScreening {
  let axes: [PairAxis]
  let codes: [UnsafePointer<UInt16>]
  let residual: UnsafePointer<Double>
  let curvature: UnsafePointer<Double>
  let rowCount: Int
  let runner: BlockRunner

  /// The standard normal score from which on an interaction counts as better than chance.
  static let level = 2.5
  /// The most features whose pairs are tried.
  private static let mostFeatures = 40

  /// The pairs that pass the test, the strongest first.
  ///
  /// - Parameter candidates: the features that can be in a pair, the most important first.
  func chosen(_ candidates: [Int], most: Int) throws -> [(Int, Int)] {
    let features = candidates.prefix(Self.mostFeatures).sorted()
    var pairs: [(Int, Int)] = []
    for (place, first) in features.enumerated() {
      for second in features[(place + 1)...] { pairs.append((first, second)) }
    }
    var scores = [Double](repeating: 0, count: pairs.count)
    let cells = Workspace(count: runner.threads * 2 * 1_024)
    let buffers = CodeStorage(rows: rowCount, terms: runner.threads)
    try scores.withUnsafeMutableBufferPointer { scores in
      // Tasks write one score each, threads disjoint scratch memory.
      nonisolated(unsafe) let target = scores
      let (work, codeWork) = (cells.start, buffers.start)
      try runner.run(pairs.count) { index, thread, _ in
        let (first, second) = (axes[pairs[index].0], axes[pairs[index].1])
        let count = first.count * second.count
        guard count + 1 <= 1024 else { return }
        let (sum, weight) = (work + thread * 2_048, work + thread * 2_048 + 1_024)
        sum.update(repeating: 0, count: 1_024)
        weight.update(repeating: 0, count: 1_024)
        let pairCodes = codeWork + thread * rowCount
        ck_pair_codes(
          codes[pairs[index].0], first.map, codes[pairs[index].1], second.map, UInt16(second.count),
          UInt16(count), rowCount,
          pairCodes)
        ck_term_sums(pairCodes, residual, curvature, 0, rowCount, sum, weight)
        target[index] = Self.score(sum, weight, rows: first.count, columns: second.count)
      }
    }
    return pairs.indices.filter { scores[$0] > Self.level }.sorted {
      scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1
    }.prefix(most).map { pairs[$0] }
  }

  /// The χ² of the interaction as a standard normal score (Wilson and Hilferty 1931).
  private static func score(
    _ sum: UnsafePointer<Double>, _ weight: UnsafePointer<Double>, rows: Int, columns: Int
  ) -> Double {
    var (row, column) = ([Double](repeating: 0, count: rows), [Double](repeating: 0, count: columns))
    for _ in 0..<8 {
      for i in 0..<rows {
        var (top, bottom) = (0.0, 0.0)
        for j in 0..<columns {
          top += sum[i * columns + j] - weight[i * columns + j] * column[j]
          bottom += weight[i * columns + j]
        }
        row[i] = bottom > 0 ? top / bottom : 0
      }
      for j in 0..<columns {
        var (top, bottom) = (0.0, 0.0)
        for i in 0..<rows {
          top += sum[i * columns + j] - weight[i * columns + j] * row[i]
          bottom += weight[i * columns + j]
        }
        column[j] = bottom > 0 ? top / bottom : 0
      }
    }
    var (statistic, cells) = (0.0, 0)
    for i in 0..<rows {
      for j in 0..<columns where weight[i * columns + j] > 1e-9 {
        let cell = i * columns + j
        let rest = sum[cell] - weight[cell] * (row[i] + column[j])
        statistic += rest * rest / weight[cell]
        cells += 1
      }
    }
    let freedom = Double(cells - rows - columns + 1)
    guard freedom >= 1 else { return 0 }
    let scale = 2 / (9 * freedom)
    return ((statistic / freedom).cubeRoot - (1 - scale)) / scale.squareRoot()
  }
}

extension PairAxis {
  /// The most indices of an axis, without the one for missing values, by the number of fitted rows: with few rows the linear systems can
  /// be larger, and with a hundred they say nothing about small cells.
  static func most(rows: Int) -> Int { rows < 1_000 ? 6 : rows < 8_000 ? 12 : 8 }

  /// The axis of a feature: bins of about equal mass, or the most frequent categories and a group of the others.
  ///
  /// - Parameter edges: the edges of the axis of a number, if they are given; the feature has them.
  init(_ binned: BinnedTable.Feature, feature: Int, most: Int, edges: [Double]? = nil) {
    self.feature = feature
    isOrdered = binned.kind != .categorical
    map = [UInt16](repeating: .max, count: binned.count + 1)
    count = 0
    if isOrdered, let edges {
      for bin in 0..<binned.bins {
        if bin > 0, count < edges.count, binned.edges[bin - 1] == edges[count] { count += 1 }
        map[bin] = UInt16(count)
      }
      count += 1
    } else if isOrdered {
      let total = binned.masses[..<binned.bins].reduce(0, +)
      let share = total / Double(most)
      var mass = 0.0
      for bin in 0..<binned.bins {
        let own = binned.masses[bin]
        if bin > 0, mass + own / 2 > share, count + 1 < most {
          count += 1
          mass = 0
        }
        map[bin] = UInt16(count)
        mass += own
      }
      count += 1
    } else {
      let ranked = (0..<binned.bins).sorted {
        binned.masses[$0] != binned.masses[$1] ? binned.masses[$0] > binned.masses[$1] : $0 < $1
      }
      let own = ranked.count <= most ? ranked.count : most - 1
      for (rank, bin) in ranked.enumerated() { map[bin] = UInt16(min(rank, own)) }
      count = own + (ranked.count > own ? 1 : 0)
    }
    if binned.hasMissing {
      map[binned.bins] = UInt16(count)
      missing = count
      count += 1
    }
  }

  /// The edges at which the index of a number changes: the first edge of its bins in each index but the first.
  func edges(_ binned: BinnedTable.Feature) -> [Double] {
    guard isOrdered else { return [] }
    return (1..<max(1, binned.bins)).filter { map[$0] != map[$0 - 1] }.map { binned.edges[$0 - 1] }
  }
}
