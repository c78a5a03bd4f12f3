import CoreMetrics
import Synchronization

/// The values of one metric with one set of labels: the handler of all kinds of swift-metrics.
final class MetricCell: Sendable {
  /// Prometheus's metric types.
  enum Kind: String {
    case counter, gauge, summary, histogram
  }

  private struct Value {
    var number = 0.0
    var count = 0
    var buckets: [Int]
  }

  /// Upper bounds of buckets in seconds, for requests: from a fast prediction to a long upload.
  static let short = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60,
  ]
  /// Upper bounds of buckets in seconds, for jobs: up to an hour.
  static let long = [
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 20, 30, 45, 60, 120, 300, 600, 1_800, 3_600,
  ]

  let kind: Kind
  private let bounds: [Double]
  private let value: Mutex<Value>

  /// - Parameter bounds: the upper bounds of a histogram's buckets, ascending.
  init(_ kind: Kind, bounds: [Double] = MetricCell.short) {
    self.kind = kind
    self.bounds = bounds
    value = Mutex(Value(buckets: kind == .histogram ? Array(repeating: 0, count: bounds.count) : []))
  }

  fileprivate func add(_ amount: Double) {
    value.withLock { $0.number += amount }
  }

  fileprivate func replace(_ number: Double) {
    value.withLock { $0.number = number }
  }

  fileprivate func observe(_ number: Double) {
    value.withLock { value in
      value.number += number
      value.count += 1
      if kind == .histogram, let bucket = bounds.firstIndex(where: { number <= $0 }) {
        value.buckets[bucket] += 1
      }
    }
  }

  /// The name of the metric family; Prometheus requires the suffix `_total` for counters.
  func familyName(_ key: MetricsRegistry.Key) -> String {
    kind == .counter && !key.name.hasSuffix("_total") ? key.name + "_total" : key.name
  }

  /// The lines of the text format.
  func lines(_ key: MetricsRegistry.Key) -> [String] {
    let value = value.withLock { $0 }
    let name = familyName(key)
    switch kind {
    case .counter, .gauge: return [Self.line(name, key.labels, value.number)]
    case .summary, .histogram:
      var lines: [String] = []
      if kind == .histogram {
        var below = 0
        // All buckets form one element, so that sorting a family's lines keeps their order.
        var buckets = ""
        for (bound, count) in zip(bounds, value.buckets) {
          below += count
          buckets += Self.line(name + "_bucket", key.labels + ["le=\"\(bound)\""], Double(below))
        }
        lines.append(buckets + Self.line(name + "_bucket", key.labels + ["le=\"+Inf\""], Double(value.count)))
      }
      lines.append(Self.line(name + "_count", key.labels, Double(value.count)))
      lines.append(Self.line(name + "_sum", key.labels, value.number))
      return lines
    }
  }

  /// One line of the text format.
  static func line(_ name: String, _ labels: [String], _ value: Double) -> String {
    let braces = labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}"
    let text = Int(exactly: value).map(String.init) ?? "\(value)"
    return "\(name)\(braces) \(text)\n"
  }
}

extension MetricCell: CounterHandler, FloatingPointCounterHandler {
  func increment(by amount: Int64) { add(Double(amount)) }
  func increment(by amount: Double) { add(amount) }
  func reset() { replace(0) }
}

extension MetricCell: MeterHandler {
  func set(_ value: Int64) { replace(Double(value)) }
  func set(_ value: Double) { replace(value) }
  func decrement(by amount: Double) { add(-amount) }
}

extension MetricCell: RecorderHandler {
  func record(_ value: Int64) { kind == .gauge ? replace(Double(value)) : observe(Double(value)) }
  func record(_ value: Double) { kind == .gauge ? replace(value) : observe(value) }
}

extension MetricCell: TimerHandler {
  func recordNanoseconds(_ duration: Int64) { observe(Double(duration) / 1e9) }
}
