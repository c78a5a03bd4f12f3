import CoreMetrics
import Synchronization

/// A backend of swift-metrics that keeps metrics in memory and writes them in Prometheus's text format.
///
/// Timers are histograms in seconds, aggregating recorders are summaries with count and sum, counters and meters hold one number.
final class MetricsRegistry: MetricsFactory, Sendable {
  /// Identifies a time series: the metric's name and its escaped labels.
  struct Key: Hashable {
    var name: String
    var labels: [String]

    init(_ label: String, _ dimensions: [(String, String)]) {
      name = String(label.map { $0.isLetter || $0.isNumber || $0 == "_" ? $0 : "_" })
      labels = dimensions.map { "\($0.0)=\"\(Self.escape($0.1))\"" }
    }

    private static func escape(_ value: String) -> String {
      value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
  }

  /// The number of requests that have been answered.
  let requests = Atomic<Int>(0)

  private let cells = Mutex<[Key: MetricCell]>([:])
  private let sources = Mutex<[@Sendable (Scrape) async -> [Sample]]>([])

  /// The options of a scrape.
  struct Scrape: Sendable {
    /// Whether to include the series by tenant.
    var byTenant = false
  }

  /// One value that is read at the time of a scrape.
  struct Sample: Sendable {
    /// `gauge` or `counter`.
    var kind: MetricCell.Kind
    /// The metric's name.
    var name: String
    /// The names and values of its labels.
    var labels: [(String, String)] = []
    /// Its value.
    var value: Double
  }

  /// Adds a source of samples, which is read at each scrape.
  func addSource(_ read: @escaping @Sendable (Scrape) async -> [Sample]) {
    sources.withLock { $0.append(read) }
  }

  /// All metrics in the text exposition format 0.0.4.
  func text(_ scrape: Scrape = Scrape()) async -> String {
    var samples: [Sample] = []
    for read in sources.withLock({ $0 }) { samples += await read(scrape) }
    let cells = cells.withLock { $0 }
    var families: [String: (type: String, lines: [String])] = [:]
    for (key, cell) in cells {
      families[cell.familyName(key), default: (cell.kind.rawValue, [])].lines += cell.lines(key)
    }
    for reading in samples {
      let key = Key(reading.name, reading.labels)
      families[key.name, default: (reading.kind.rawValue, [])].lines.append(
        MetricCell.line(key.name, key.labels, reading.value))
    }
    return families.sorted { $0.key < $1.key }.map { name, family in
      "# TYPE \(name) \(family.type)\n" + family.lines.sorted().joined()
    }.joined()
  }

  private func cell(_ label: String, _ dimensions: [(String, String)], _ kind: MetricCell.Kind) -> MetricCell
  {
    cells.withLock { cells in
      let key = Key(label, dimensions)
      if let cell = cells[key] { return cell }
      let cell = MetricCell(
        kind, bounds: label.hasSuffix("_job_seconds") ? MetricCell.long : MetricCell.short)
      cells[key] = cell
      return cell
    }
  }

  func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    cell(label, dimensions, .counter)
  }

  func makeFloatingPointCounter(
    label: String, dimensions: [(String, String)]
  ) -> any FloatingPointCounterHandler {
    cell(label, dimensions, .counter)
  }

  func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    cell(label, dimensions, .gauge)
  }

  func makeRecorder(
    label: String, dimensions: [(String, String)], aggregate: Bool
  ) -> any RecorderHandler {
    cell(label, dimensions, aggregate ? .summary : .gauge)
  }

  func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    cell(label, dimensions, .histogram)
  }

  func destroyCounter(_ handler: any CounterHandler) {}
  func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
  func destroyMeter(_ handler: any MeterHandler) {}
  func destroyRecorder(_ handler: any RecorderHandler) {}
  func destroyTimer(_ handler: any TimerHandler) {}
}
