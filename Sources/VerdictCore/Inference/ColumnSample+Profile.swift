import RowFormats

extension ColumnSample {
  /// The number of categories up to which a closed list is written.
  private static let longestList = 1_000
  /// The number of values from which on they can look like identifiers.
  private static let fewValues = 20
  /// The number of the most frequent values.
  private static let topCount = 10

  /// The type of a feature with these values, and why; no type if it cannot be one.
  private var decision: (type: FeatureType?, reason: String) {
    if count == blankCount {
      return (.categorical, "no row has a value, and a category admits any later one")
    }
    guard numberCount + blankCount == count else {
      if hasUnnameable {
        return (nil, "a value is neither a number nor a name of 1 to 1000 bytes")
      }
      if dateCount == count { return (.categorical, "all values are dates, which are read as names") }
      if boolCount == count { return (.categorical, "all values are true or false") }
      return (
        .categorical, numberCount == 0 ? "the values are texts" : "some values are texts, others numbers"
      )
    }
    if leadingZeroCount > 0, !isJSON {
      return (.categorical, "numbers begin with a zero, as postal codes and other codes do")
    }
    if beyondCount > 0 {
      return hasUnnameable
        ? (nil, "numbers are beyond ±1e150, the range of models")
        : (.categorical, "numbers are beyond ±1e150, the range of models, and are read as names")
    }
    guard wholeCount == numberCount else {
      return (.continuous, "all values are numbers, some with a fraction")
    }
    if inexactCount > 0 {
      return isJSON
        ? (.continuous, "all values are whole numbers, some beyond ±2^53")
        : (.categorical, "whole numbers are beyond ±2^53, which is exact as a name only")
    }
    if texts.count <= 8, Set(numbers) == [0, 1] { return (.discrete, "all values are 0 or 1") }
    return (.discrete, "all values are whole numbers")
  }

  /// The share of different values among all, as far as they were counted.
  private var distinctShare: Double {
    guard count > 0 else { return 0 }
    return Double(texts.count) / Double(countWhenFull ?? count)
  }

  /// The different categories with their rows, the most frequent first.
  var categories: [ColumnProfile.Frequency] {
    var counts: [String: Int] = [:]
    for (text, rows) in texts { counts[CategorySpelling.canonical(text), default: 0] += rows }
    return counts.map { ColumnProfile.Frequency(value: $0, count: $1) }
      .sorted { ($1.count, $0.value) < ($0.count, $1.value) }
  }

  /// The profile of a column that is not the label.
  ///
  /// - Parameters:
  ///   - name: the name of the column.
  ///   - rows: the number of rows.
  func profile(_ name: String, rows: Int) -> ColumnProfile {
    var (type, reason) = decision
    if let objection = TextRule.name(atMost: 128).objection(to: name) {
      type = nil
      reason =
        name.isEmpty
        ? "a feature needs a name; pandas writes its index without one"
        : "the name of a feature \(objection)"
    }
    let isNumber = type == .continuous || type == .discrete
    let sorted = isNumber ? numbers.sorted() : []
    let categories = isNumber ? [] : self.categories
    let present = isNumber ? count - blankCount : count
    return ColumnProfile(
      name: name, role: type == nil ? .ignored : .feature, type: type, reason: reason, count: present,
      missing: rows - present, distinct: isNumber ? distinct(sorted) : categories.count,
      isDistinctExact: isNumber || countWhenFull == nil, numbers: Self.numbers(sorted),
      top: Array(categories.prefix(Self.topCount)), warnings: warnings(type))
  }

  /// The profile of the label's column.
  ///
  /// - Parameters:
  ///   - name: the name of the column.
  ///   - rows: the number of rows.
  ///   - reason: why its words mean what they mean.
  ///   - warnings: the remarks about it.
  func labelProfile(_ name: String, rows: Int, reason: String, warnings: [InferredSchema.Warning])
    -> ColumnProfile
  {
    let categories = self.categories
    return ColumnProfile(
      name: name, role: .label, type: nil, reason: reason, count: count, missing: rows - count,
      distinct: categories.count, isDistinctExact: true, numbers: nil,
      top: Array(categories.prefix(Self.topCount)), warnings: warnings)
  }

  /// The closed list of the categories, unless there are too many or further ones.
  var closedList: [String]? {
    let categories = self.categories
    guard countWhenFull == nil, (1...Self.longestList).contains(categories.count) else { return nil }
    return categories.map(\.value).sorted()
  }

  private func distinct(_ sorted: [Double]) -> Int {
    var distinct = 0
    var last = Double.nan
    for number in sorted where number != last {
      distinct += 1
      last = number
    }
    return distinct
  }

  private static func numbers(_ sorted: [Double]) -> ColumnProfile.Numbers? {
    guard let minimum = sorted.first, let maximum = sorted.last else { return nil }
    // Each number is divided first, so that no sum overflows.
    let mean = sorted.reduce(0) { $0 + $1 / Double(sorted.count) }
    let quantiles = ColumnProfile.Numbers.probabilities.map { probability in
      let position = probability * Double(sorted.count - 1)
      let below = Int(position)
      let above = min(below + 1, sorted.count - 1)
      return sorted[below] + (sorted[above] - sorted[below]) * (position - Double(below))
    }
    return ColumnProfile.Numbers(
      minimum: minimum, maximum: maximum, mean: min(max(mean, minimum), maximum), quantiles: quantiles)
  }

  private func warnings(_ type: FeatureType?) -> [InferredSchema.Warning] {
    var warnings: [InferredSchema.Warning] = []
    func warn(_ kind: InferredSchema.Warning.Kind, _ detail: String) {
      warnings.append(InferredSchema.Warning(kind: kind, detail: detail))
    }
    if count == blankCount {
      warn(.allMissing, "No row has a value, so that no model learns from this column.")
    }
    guard count > 0 else { return warnings }
    if texts.count == 1, count > 1, blankCount == 0 {
      warn(.constant, "All rows with a value have the same one, so that no model learns from this column.")
    }
    if dateCount == count {
      warn(
        .date,
        "Dates are read as names, so that each is a category of its own: send what matters about them as numbers, such as an age in days."
      )
    } else if count >= Self.fewValues, type == .categorical || type == .discrete, distinctShare >= 0.95 {
      warn(
        .looksLikeIdentifier,
        "Nearly every row has a value of its own, as identifiers have: leave the column out unless it means something for new cases."
      )
    }
    if type == .categorical, commaCount > 0, commaCount + numberCount + blankCount == count {
      warn(
        .decimalComma,
        "The values are numbers with a decimal comma: infer with decimal=, to read them as numbers.")
    } else if type == .categorical, numberCount * 2 >= count, numberCount + blankCount < count {
      let others = categories.filter { NumberSyntax($0.value.trimmingSpaces) == nil }.prefix(5)
        .map { "\(Self.shown($0.value)) (\($0.count))" }
      warn(
        .mixedNumbers,
        "\(numberCount) of \(count) values are numbers, but not \(others.joined(separator: ", ")): name the texts that mean a missing value in the parameter missing to read numbers."
      )
    }
    return warnings
  }

  /// A value in quotes, shortened.
  static func shown(_ text: String) -> String {
    "\"" + (text.unicodeScalars.count > 40 ? String(text.unicodeScalars.prefix(40)) + "…" : text) + "\""
  }
}
