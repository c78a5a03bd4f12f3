import Foundation

/// What several rounds of one measurement gave.
struct Figures {
  /// Units of work a second, one figure a round.
  var rates: [Double] = []
  /// Processor time of this process, or of the program that it ran, in microseconds a unit of work.
  var costs: [Double] = []

  /// Measures one round; the closure returns a rate over ``Main/seconds``.
  mutating func measure(_ body: () async throws -> Double) async throws {
    let before = processorTime()
    let rate = try await body()
    rates.append(rate)
    costs.append((processorTime() - before) * 1e6 / (rate * Double(Main.seconds)))
  }

  /// Prints medians, and the median and range of the ratio of each round to the reference's same round.
  func report(_ name: String, against reference: Figures, unit: String = "/s") {
    let ratios = zip(rates, reference.rates).map { $0 / $1 }.sorted()
    var line = name.padding(toLength: 34, withPad: " ", startingAt: 0)
    line += String(format: "%9.0f %@, reference %9.0f, ", median(rates), unit, median(reference.rates))
    line += String(
      format: "ratio %.2f (%.2f-%.2f)", median(ratios), ratios.first ?? .nan, ratios.last ?? .nan)
    if !costs.isEmpty {
      line += String(format: ", client %.1f µs, reference %.1f µs", median(costs), median(reference.costs))
    }
    print(line)
  }
}

func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  return sorted.isEmpty ? .nan : sorted[sorted.count / 2]
}

/// Seconds that the closure takes.
func seconds(_ body: () async throws -> Void) async rethrows -> Double {
  let start = ContinuousClock.now
  try await body()
  return start.duration(to: .now) / .seconds(1)
}

/// Seconds of processor time that this process and the programs that it ran have used.
private func processorTime() -> Double {
  [RUSAGE_SELF.rawValue, RUSAGE_CHILDREN.rawValue].reduce(0) { sum, who in
    var usage = rusage()
    getrusage(Int32(who), &usage)
    return sum + Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
      + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
  }
}
