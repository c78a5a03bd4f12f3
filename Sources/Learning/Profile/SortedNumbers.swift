/// Finite numbers in ascending order, from which a distribution is read.
struct SortedNumbers {
  /// The numbers; zero has no sign.
  let values: [Double]

  /// Sorts finite numbers.
  init(_ values: [Double]) {
    // A short radix sort counts more digits than values.
    guard values.count > 2_000 else {
      self.values = values.map { $0 + 0 }.sorted()
      return
    }
    let keys = ScoreRanking.sorted(values.map(Self.key)) {}
    self.values = keys.map(Self.value)
  }

  /// A number as an integer that sorts like it: a negative number has all its bits inverted, another one its sign (Knuth, The Art of
  /// Computer Programming 3, 5.2.5).
  static func key(_ value: Double) -> UInt64 {
    // The sum of −0 and 0 is 0.
    let bits = (value + 0).bitPattern
    return bits >> 63 == 1 ? ~bits : bits | 1 << 63
  }

  private static func value(_ key: UInt64) -> Double {
    Double(bitPattern: key >> 63 == 1 ? key & ~(1 << 63) : ~key)
  }

  /// The number of different values.
  var distinct: Int {
    var count = values.isEmpty ? 0 : 1
    for index in values.indices.dropFirst() where values[index] != values[index - 1] { count += 1 }
    return count
  }

  /// The number of values below a bound.
  func count(below bound: Double) -> Int {
    var (low, high) = (0, values.count)
    while low < high {
      let middle = (low + high) / 2
      if values[middle] < bound { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The values of both, in order.
  func merged(with other: SortedNumbers) -> SortedNumbers {
    var merged: [Double] = []
    merged.reserveCapacity(values.count + other.values.count)
    var (left, right) = (0, 0)
    while left < values.count, right < other.values.count {
      if other.values[right] < values[left] {
        merged.append(other.values[right])
        right += 1
      } else {
        merged.append(values[left])
        left += 1
      }
    }
    merged += values[left...]
    merged += other.values[right...]
    return SortedNumbers(sorted: merged)
  }

  private init(sorted values: [Double]) { self.values = values }

  /// The distribution; `nil` without a value.
  var distribution: FeatureProfile.Numbers? {
    guard let minimum = values.first, let maximum = values.last else { return nil }
    let count = Double(values.count)
    // Each number is divided first, so that no sum overflows.
    var mean = 0.0
    for value in values { mean += value / count }
    mean = min(max(mean, minimum), maximum)
    return FeatureProfile.Numbers(
      minimum: minimum, maximum: maximum, mean: mean,
      deviation: values.count > 1 ? deviation(from: mean) : nil,
      quantiles: FeatureProfile.Numbers.probabilities.map(quantile))
  }

  /// The sample standard deviation. The deviations are divided by the largest one, so that no square overflows or vanishes.
  private func deviation(from mean: Double) -> Double {
    let scale = max(values[values.count - 1] - mean, mean - values[0])
    guard scale > 0 else { return 0 }
    var squares = 0.0
    for value in values {
      let share = (value - mean) / scale
      squares += share * share
    }
    return (squares / Double(values.count - 1)).squareRoot() * scale
  }

  /// A quantile of type 7 (``FeatureProfile/Numbers/quantiles``).
  private func quantile(_ probability: Double) -> Double {
    let position = probability * Double(values.count - 1)
    let below = Int(position)
    let above = min(below + 1, values.count - 1)
    return values[below] + (values[above] - values[below]) * (position - Double(below))
  }
}
