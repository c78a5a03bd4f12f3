import CKernels

/// The features of a table as bins that follow from the fitted rows.
struct BinnedTable {
  /// The bins of one feature.
  struct Feature {
    var kind: ColumnKind
    /// Of a number: the edges.
    var edges: [Double] = []
    /// Of a categorical feature: the bin of each level of the table; levels that no fitted row has share the last, empty bin.
    var levels: [UInt16] = []
    /// The number of bins, without the one for missing values.
    /// The code after all bins stands for values that no fitted row has; it adds nothing.
    var bins: Int
    /// Whether fitted rows have missing values.
    var hasMissing: Bool
    /// The smallest and the largest value of the fitted rows.
    var range: ClosedRange<Double>?
    /// The number of fitted rows of each level of the table.
    var levelRows: [Int] = []
    /// The numbers of fitted rows, and their mass, in each bin, the missing values last.
    var rows: [Int] = []
    var masses: [Double] = []

    /// The number of bins, with the one for missing values.
    var count: Int { bins + (hasMissing ? 1 : 0) }
  }

  private(set) var features: [Feature]
  let codes: CodeStorage
  let rowCount: Int

  /// The most levels of a categorical feature with a bin of their own; rarer ones share bins with others of like frequency.
  static let largestFactor = 400

  /// Bins a table.
  ///
  /// - Parameters:
  ///   - mass: the weight of each row in the fit; 0 for rows that are not fitted.
  ///   - model: a binning whose categories are used, and whose edges in `required` are among the edges.
  init(
    _ table: TrainingTable, mass: UnsafePointer<Double>, parameters: AdditiveParameters, runner: BlockRunner,
    like model: BinnedTable? = nil, required: [Int: [Double]] = [:]
  ) throws {
    let count = table.rowCount
    rowCount = count
    let storage = CodeStorage(rows: count, terms: table.columns.count)
    codes = storage
    let fitted = (0..<count).reduce(0) { $0 + (mass[$1] > 0 ? 1 : 0) }
    let resolution = Resolution(parameters, features: table.columns.count, rows: fitted)
    // Each feature writes its own element.
    let made = UnsafeMutableBufferPointer<Feature?>.allocate(capacity: table.columns.count)
    made.initialize(repeating: nil)
    defer {
      made.deinitialize()
      made.deallocate()
    }
    nonisolated(unsafe) let target = made
    try runner.run(table.columns.count) { index, _, _ in
      let out = storage.start + index * count
      switch table.columns[index] {
      case .numeric(let values):
        target[index] = Self.number(
          values, table.outcomes, mass, kind: table.kinds[index], edges: parameters.edges[table.names[index]],
          required: required[index] ?? [], resolution, out)
      case .categorical(let levelCodes, let levels):
        target[index] = Self.factor(
          levelCodes, levels: levels.count, mass, resolution, like: model?.features[index], out)
      }
    }
    features = made.map { $0 ?? Feature(kind: .continuous, bins: 1, hasMissing: false) }
  }

  /// The numbers of bins by the size of the problem.
  struct Resolution {
    var quantiles: Int
    var merged: Int
    var least: Double
    var levels: Int

    init(_ parameters: AdditiveParameters, features: Int, rows: Int) {
      // All bins together bound the size of the linear systems; few rows support few bins.
      let most = max(4, 1_400 / max(1, features))
      let supported = max(4, rows / 10)
      quantiles = min(parameters.quantileBins, most * 2 / 3 + 1, supported)
      merged = min(parameters.mergedBins, most / 2 + 1, supported)
      least = max(2, min(20, Double(rows).squareRoot() / 5))
      levels = min(BinnedTable.largestFactor, max(16, most))
    }
  }

  private static func number(
    _ values: [Double], _ outcomes: [UInt8], _ mass: UnsafePointer<Double>, kind: ColumnKind,
    edges given: [Double]?,
    required: [Double], _ resolution: Resolution, _ out: UnsafeMutablePointer<UInt16>
  ) -> Feature {
    var edges =
      given
      ?? NumberBins(values, outcomes: outcomes, mass: mass).edges(
        quantiles: resolution.quantiles, merged: resolution.merged, least: resolution.least)
    if !required.isEmpty { edges = Set(edges + required).sorted() }
    var feature = Feature(kind: kind, edges: edges, bins: edges.count + 1, hasMissing: false)
    ck_bin_values(values, values.count, edges, edges.count, UInt16(feature.bins), out)
    var (low, high) = (Double.infinity, -Double.infinity)
    for row in values.indices where mass[row] > 0 {
      // A comparison with NaN is false.
      if values[row] < low { low = values[row] }
      if values[row] > high { high = values[row] }
    }
    if low <= high { feature.range = low...high }
    feature.count(out, mass, rows: values.count)
    return feature
  }

  private static func factor(
    _ codes: [Int32], levels: Int, _ mass: UnsafePointer<Double>, _ resolution: Resolution,
    like model: Feature?, _ out: UnsafeMutablePointer<UInt16>
  ) -> Feature {
    var masses = [Double](repeating: 0, count: levels)
    var counts = [Int](repeating: 0, count: levels)
    for row in codes.indices where mass[row] > 0 && codes[row] >= 0 {
      masses[Int(codes[row])] += mass[row]
      counts[Int(codes[row])] += 1
    }
    let present = (0..<levels).filter { masses[$0] > 0 }
    if let model {
      var feature = Feature(kind: .categorical, levels: model.levels, bins: model.bins, hasMissing: false)
      let unknown = UInt16(model.bins + 1)
      for level in feature.levels.indices where feature.levels[level] >= UInt16(model.bins) {
        feature.levels[level] = unknown
      }
      feature.levelRows = counts
      ck_map_codes(codes, codes.count, feature.levels, UInt16(model.bins), out)
      feature.count(out, mass, rows: codes.count)
      return feature
    }
    // The most frequent first; equal ones in their order.
    let ranked = present.sorted { masses[$0] != masses[$1] ? masses[$0] > masses[$1] : $0 < $1 }
    let own = ranked.count <= resolution.levels ? ranked.count : resolution.levels - 1
    let bins = own + (ranked.count > own ? 1 : 0)
    // Until it is known whether there are missing values, unknown levels have the code after them.
    var map = [UInt16](repeating: UInt16(bins + 1), count: levels)
    for (rank, level) in ranked.enumerated() { map[level] = UInt16(min(rank, own)) }
    // Bins in the order of the levels where each has its own.
    if ranked.count == own { for (bin, level) in present.enumerated() { map[level] = UInt16(bin) } }
    var feature = Feature(kind: .categorical, levels: map, bins: bins, hasMissing: false)
    feature.levelRows = counts
    ck_map_codes(codes, codes.count, map, UInt16(bins), out)
    feature.count(out, mass, rows: codes.count)
    return feature
  }
}

extension BinnedTable {
  /// The table with bins of a number merged, whose codes are changed in place.
  ///
  /// - Parameter starts: the first old bin of each new one, ascending from 0.
  func merging(_ index: Int, into starts: [Int]) -> BinnedTable {
    var feature = features[index]
    var map = [UInt16](repeating: 0, count: feature.bins + 2)
    var bin = 0
    for old in 0..<feature.bins {
      if bin + 1 < starts.count, starts[bin + 1] == old { bin += 1 }
      map[old] = UInt16(bin)
    }
    for rest in feature.bins..<(feature.bins + 2) { map[rest] = UInt16(starts.count + rest - feature.bins) }
    let out = codes.start + index * rowCount
    for row in 0..<rowCount { out[row] = map[Int(out[row])] }
    func sums<Value: AdditiveArithmetic>(_ old: [Value]) -> [Value] {
      var new = [Value](repeating: .zero, count: starts.count + 2)
      for (place, value) in old.enumerated() { new[Int(map[place])] += value }
      return new
    }
    feature.rows = sums(feature.rows)
    feature.masses = sums(feature.masses)
    feature.edges = starts.dropFirst().map { feature.edges[$0 - 1] }
    feature.bins = starts.count
    var merged = self
    merged.features[index] = feature
    return merged
  }
}

extension BinnedTable.Feature {
  /// Counts the fitted rows by bin, and makes codes of missing values unknown where no fitted row has one.
  mutating func count(_ codes: UnsafeMutablePointer<UInt16>, _ mass: UnsafePointer<Double>, rows total: Int) {
    rows = [Int](repeating: 0, count: bins + 2)
    masses = [Double](repeating: 0, count: bins + 2)
    for row in 0..<total where mass[row] > 0 {
      rows[Int(codes[row])] += 1
      masses[Int(codes[row])] += mass[row]
    }
    hasMissing = rows[bins] > 0
    guard !hasMissing else { return }
    // Without missing values in the fit, a missing value is unknown.
    for row in 0..<total where Int(codes[row]) == bins + 1 { codes[row] = UInt16(bins) }
    for level in levels.indices where Int(levels[level]) == bins + 1 { levels[level] = UInt16(bins) }
  }
}

/// The codes of all terms, one array of the rows after the other. Freed with its owner, which must not let `start` outlive it.
/// Unchecked, since parallel passes write disjoint ranges before others read them.
final class CodeStorage: @unchecked Sendable {
  /// Undefined until written.
  let start: UnsafeMutablePointer<UInt16>
  let rows: Int
  let terms: Int

  init(rows: Int, terms: Int) {
    self.rows = rows
    self.terms = terms
    start = .allocate(capacity: max(1, rows * terms))
  }

  deinit { start.deallocate() }
}
