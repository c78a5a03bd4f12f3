import Foundation
import TestSupport

/// The results of several rounds of one benchmark.
struct Measurements {
  /// Units of work a second, one value a round.
  var rates: [Double] = []
  /// Processor time of this process or of the program it ran, in microseconds per unit of work.
  var costs: [Double] = []

  /// Measures one round; the closure returns a rate over ``Main/seconds``.
  mutating func measure(_ body: () async throws -> Double) async throws {
    let before = processorTime()
    let rate = try await body()
    rates.append(rate)
    costs.append((processorTime() - before) * 1e6 / (rate * Double(Main.seconds)))
  }

  /// Prints medians, and the median and range of the ratios to the reference in the same round.
  func report(_ name: String, against reference: Measurements, unit: String = "/s") {
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

/// The processor time of this process and its child processes in seconds.
private func processorTime() -> Double {
  [RUSAGE_SELF.rawValue, RUSAGE_CHILDREN.rawValue].reduce(0) { sum, target in
    var usage = rusage()
    getrusage(Int32(target), &usage)
    return sum + Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
      + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
  }
}
