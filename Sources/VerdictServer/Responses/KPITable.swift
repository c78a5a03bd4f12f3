import Learning
import NIOCore
import VerdictCore

/// The history of KPIs as CSV (RFC 4180) with one line a training. An undefined KPI is an empty field.
struct KPITable {
  private(set) var buffer = ByteBuffer()

  init() {
    let columns =
      ["model_version", "training_job", "trained_at", "trigger"]
      + ConfusionMatrix.CodingKeys.allCases.map(\.rawValue) + Metric.allCases.map(\.rawValue)
    line(columns)
  }

  mutating func append(_ record: KPIRecord) {
    let kpis = record.kpis
    line(
      [
        "\(record.modelVersion)", "\(record.jobID)", Timestamp.format(record.trainedAt),
        record.trigger.rawValue,
      ]
        + ConfusionMatrix.CodingKeys.allCases.map { "\(kpis.confusionMatrix[$0])" }
        + Metric.allCases.map { kpis[$0].map(Self.number) ?? "" })
  }

  /// No field needs quotes: all are names, numbers or timestamps.
  private mutating func line(_ fields: [String]) {
    buffer.writeString(fields.joined(separator: ","))
    buffer.writeStaticString("\r\n")
  }

  private static func number(_ value: Double) -> String {
    Int(exactly: value).map(String.init) ?? "\(value)"
  }
}
