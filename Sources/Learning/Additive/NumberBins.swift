import CKernels

/// The edges of the bins of a numeric feature: the union of edges of equal mass, which resolve the whole range, and of edges found by
/// merging neighbouring bins with like outcomes, which keep rare spikes.
struct NumberBins {
  /// The distinct values of the rows in ascending order, with their masses by outcome; values without much mass share a bin.
  private var fine: [Fine] = []
  private var total = 0.0

  private struct Fine {
    var low: Double
    var high: Double
    var masses: (Double, Double)

    var mass: Double { masses.0 + masses.1 }
  }

  /// The most fine bins, from which merging begins.
  private static let fineBins = 1_024
  /// The most rows that are sorted; of more, every k-th one is.
  private static let sortedRows = 1 << 15

  /// Sorts the values of the rows with a mass above 0.
  init(_ values: [Double], outcomes: [UInt8], mass: UnsafePointer<Double>) {
    var keys: [UInt64] = []
    var order: [UInt32] = []
    var present = 0
    for row in values.indices where mass[row] > 0 && !values[row].isNaN { present += 1 }
    let step = max(1, present / Self.sortedRows)
    keys.reserveCapacity(present / step + 1)
    order.reserveCapacity(present / step + 1)
    var next = 0
    for row in values.indices where mass[row] > 0 && !values[row].isNaN {
      if next == 0 {
        keys.append(SortedNumbers.key(values[row]))
        order.append(UInt32(row))
        next = step
      }
      next -= 1
    }
    var (otherKeys, otherOrder) = (keys, order)
    ck_sort_order(&keys, &order, keys.count, &otherKeys, &otherOrder)
    for row in order { total += mass[Int(row)] }
    let share = total / Double(Self.fineBins)
    for row in order {
      let (value, weight, outcome) = (values[Int(row)] + 0, mass[Int(row)], outcomes[Int(row)])
      if var last = fine.last, last.high == value || last.mass + weight <= share {
        last.high = value
        if outcome == 0 { last.masses.0 += weight } else { last.masses.1 += weight }
        fine[fine.count - 1] = last
      } else {
        fine.append(Fine(low: value, high: value, masses: outcome == 0 ? (weight, 0) : (0, weight)))
      }
    }
  }

  /// The ascending edges.
  ///
  /// - Parameters:
  ///   - quantiles: the number of bins of equal mass.
  ///   - merged: the largest number of bins that merging leaves.
  ///   - least: the mass below which a merged bin is merged further.
  func edges(quantiles: Int, merged: Int, least: Double) -> [Double] {
    guard fine.count > 1 else { return [] }
    var isEdge = [Bool](repeating: false, count: fine.count)
    markQuantiles(quantiles, &isEdge)
    markMerged(merged, least: least, &isEdge)
    return fine.indices.dropFirst().filter { isEdge[$0] }.map { Self.edge(fine[$0 - 1].high, fine[$0].low) }
  }

  /// Marks the fine bins before which a bin of equal mass begins. A value with more mass than a bin is alone.
  private func markQuantiles(_ count: Int, _ isEdge: inout [Bool]) {
    guard count > 1 else { return }
    let share = total / Double(count)
    var mass = 0.0
    for index in fine.indices {
      let own = fine[index].mass
      if index > 0, mass + own / 2 > share || own > share && mass > 0 {
        isEdge[index] = true
        mass = 0
      }
      mass += own
    }
  }

  /// Merges neighbouring bins with the most alike outcomes until few are left (ChiMerge: Kerber 1992), and marks their beginnings.
  private func markMerged(_ count: Int, least: Double, _ isEdge: inout [Bool]) {
    guard count > 1 else { return }
    var bins = fine.enumerated().map { (start: $0.offset, masses: $0.element.masses) }
    func difference(_ a: (Double, Double), _ b: (Double, Double)) -> Double {
      let (first, second) = (a.0 + a.1, b.0 + b.1)
      let all = first + second
      let (zero, one) = ((a.0 + b.0) / all, (a.1 + b.1) / all)
      guard zero > 0, one > 0, first > 0, second > 0 else { return 0 }
      let gap = a.1 / first - b.1 / second
      // Bins that are too small to be told from chance are merged first.
      let chi = gap * gap / (zero * one * (1 / first + 1 / second))
      return min(first, second) < least ? chi * 1e-6 : chi
    }
    var differences = bins.indices.dropLast().map { difference(bins[$0].masses, bins[$0 + 1].masses) }
    while bins.count > 2 {
      var best = 0
      for index in differences.indices where differences[index] < differences[best] { best = index }
      guard bins.count > count || differences[best] < 1e-3 || bins.count > 1 && smallest(bins) < least else {
        break
      }
      bins[best].masses.0 += bins[best + 1].masses.0
      bins[best].masses.1 += bins[best + 1].masses.1
      bins.remove(at: best + 1)
      differences.remove(at: best)
      if best > 0 { differences[best - 1] = difference(bins[best - 1].masses, bins[best].masses) }
      if best < differences.count { differences[best] = difference(bins[best].masses, bins[best + 1].masses) }
    }
    for bin in bins.dropFirst() { isEdge[bin.start] = true }
  }

  private func smallest(_ bins: [(start: Int, masses: (Double, Double))]) -> Double {
    bins.reduce(.infinity) { min($0, $1.masses.0 + $1.masses.1) }
  }

  /// The edge between two values: above the first and not above the second, as short a number as possible, so that people can read it.
  static func edge(_ below: Double, _ above: Double) -> Double {
    let middle = below + (above - below) / 2
    let gap = above - below
    guard gap.isFinite, gap > 0, middle.isFinite else { return above }
    // The coarsest power of ten whose multiple lies in the gap.
    var exponent = Int(gap.base10Exponent) + 1
    for _ in 0..<3 {
      let unit = Double.power10(exponent)
      let candidate =
        exponent >= 0
        ? (middle / unit).rounded() * unit
        : (middle * Double.power10(-exponent)).rounded() / Double.power10(-exponent)
      if candidate > below, candidate <= above { return candidate }
      exponent -= 1
    }
    return middle > below ? middle : above
  }
}

extension Double {
  /// The exponent of the largest power of ten that is not above a positive number.
  fileprivate var base10Exponent: Double { (logarithm / 2.302585092994046).rounded(.down) }

  fileprivate static func power10(_ exponent: Int) -> Double {
    var result = 1.0
    for _ in 0..<abs(exponent) { result *= 10 }
    return exponent >= 0 ? result : 1 / result
  }
}
