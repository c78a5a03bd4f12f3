extension FeatureProfile {
  /// Computes the profile of a column.
  ///
  /// - Parameters:
  ///   - name: the name of the feature.
  ///   - kind: the kind of the feature.
  ///   - column: the values, one for each outcome. A number beyond ±1e300 is missing, since differences of such could overflow.
  ///   - outcomes: the outcome of each row, 0 or 1.
  ///   - categoryBytes: the bytes of text that the listed categories may have. One is listed in any case.
  public init(
    _ name: String, _ kind: ColumnKind, _ column: TrainingTable.Column, outcomes: [UInt8],
    categoryBytes: Int = .max
  ) {
    switch column {
    case .numeric(let values): self.init(name, kind, values, outcomes)
    case .categorical(let codes, let levels):
      self.init(name, codes, levels, outcomes, categoryBytes: categoryBytes)
    }
  }

  private static let largest = 1e300

  private init(_ name: String, _ kind: ColumnKind, _ values: [Double], _ outcomes: [UInt8]) {
    var parts: [[Double]] = [[], []]
    var rows = [0, 0]
    for (value, outcome) in zip(values, outcomes) {
      rows[Int(outcome)] += 1
      if value.magnitude <= Self.largest { parts[Int(outcome)].append(value) }
    }
    let (negative, positive) = (SortedNumbers(parts[0]), SortedNumbers(parts[1]))
    parts = []
    let all = negative.merged(with: positive)
    self.init(
      name: name, kind: kind, all: Self.summary(all, rows: rows[0] + rows[1]),
      positives: Self.summary(positive, rows: rows[1]), negatives: Self.summary(negative, rows: rows[0]))
    histogram = all.values.isEmpty ? nil : Histogram(all, positive, negative, isWhole: kind == .discrete)
  }

  private static func summary(_ numbers: SortedNumbers, rows: Int) -> Summary {
    Summary(
      count: numbers.values.count, missing: rows - numbers.values.count, distinct: numbers.distinct,
      numbers: numbers.distribution)
  }

  private init(
    _ name: String, _ codes: [Int32], _ levels: [String], _ outcomes: [UInt8], categoryBytes: Int
  ) {
    var counts = [[Int]](repeating: Array(repeating: 0, count: levels.count), count: 2)
    var missing = [0, 0]
    for (code, outcome) in zip(codes, outcomes) {
      if code < 0 { missing[Int(outcome)] += 1 } else { counts[Int(outcome)][Int(code)] += 1 }
    }
    func summary(_ counts: [Int], missing: Int) -> Summary {
      Summary(count: counts.reduce(0, +), missing: missing, distinct: counts.count { $0 > 0 }, numbers: nil)
    }
    let (negatives, positives) = (counts[0], counts[1])
    self.init(
      name: name, kind: .categorical,
      all: summary(zip(negatives, positives).map(+), missing: missing[0] + missing[1]),
      positives: summary(positives, missing: missing[1]), negatives: summary(negatives, missing: missing[0]))
    let present = levels.indices.filter { negatives[$0] + positives[$0] > 0 }.map {
      Categories.Category(value: levels[$0], positives: positives[$0], negatives: negatives[$0])
    }
    categories = Categories(present, bytes: categoryBytes)
  }
}

extension FeatureProfile.Categories {
  /// Lists the most frequent of the categories.
  fileprivate init(_ present: [Category], bytes: Int) {
    // Few are listed of many, so that a partial sort suffices: those below the frequency of the last listed one cannot be.
    var candidates = present
    if present.count > 4 * Self.most {
      let least = present.map(\.count).sorted(by: >)[Self.most - 1]
      candidates.removeAll { $0.count < least }
    }
    candidates.sort { ($1.count, $0.value) < ($0.count, $1.value) }
    var rest = bytes
    top = []
    for category in candidates.prefix(Self.most) {
      rest -= category.value.utf8.count
      guard rest >= 0 || top.isEmpty else { break }
      top.append(category)
    }
    others = present.count - top.count
    otherPositives = present.reduce(0) { $0 + $1.positives } - top.reduce(0) { $0 + $1.positives }
    otherNegatives = present.reduce(0) { $0 + $1.negatives } - top.reduce(0) { $0 + $1.negatives }
  }
}

extension FeatureProfile.Histogram {
  /// Counts numbers in bins of one width from the smallest to the largest one. Bins of whole numbers have a whole width, and edges
  /// between two numbers.
  fileprivate init(
    _ all: SortedNumbers, _ positive: SortedNumbers, _ negative: SortedNumbers, isWhole: Bool
  ) {
    let edges = Self.edges(all.values[0], all.values[all.values.count - 1], isWhole: isWhole)
    func counts(_ numbers: SortedNumbers) -> [Int] {
      let below = edges.dropFirst().dropLast().map(numbers.count(below:)) + [numbers.values.count]
      return zip(below, [0] + below).map(-)
    }
    self.init(edges: edges, positives: counts(positive), negatives: counts(negative))
  }

  private static func edges(_ minimum: Double, _ maximum: Double, isWhole: Bool) -> [Double] {
    var edges: [Double]
    // Beyond, a half is no difference.
    if isWhole, minimum >= -1e15, maximum <= 1e15 {
      let values = maximum - minimum + 1
      let width = (values / Double(bins)).rounded(.up)
      edges = (0...Int((values / width).rounded(.up))).map { minimum - 0.5 + Double($0) * width }
    } else {
      let width = (maximum - minimum) / Double(bins)
      edges = (0..<bins).map { minimum + Double($0) * width } + [maximum]
    }
    // Numbers beside a large one may be equal to it, and so may edges.
    var distinct = [edges[0]]
    for edge in edges.dropFirst() where edge > distinct[distinct.count - 1] { distinct.append(edge) }
    return distinct.count > 1 ? distinct : [edges[0], edges[0]]
  }
}
