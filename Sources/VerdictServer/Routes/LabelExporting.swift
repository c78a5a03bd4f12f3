import HTTPTypes
import Hummingbird
import NIOCore
import VerdictCore

/// All labels of a dataset as a stream that can be posted back as it is.
struct LabelExporting {
  let domain: Domain

  func export(
    _ name: String, _ tenant: TenantID, as type: BodyType, where filter: LabelFilter
  ) async throws -> Response {
    // Looked up before the answer begins, so that an absent dataset is a 404 and not an empty file.
    let dataset = try await domain.ingest.dataset(tenant, named: name)
    let writer = RowWriter(schema: dataset.schema)
    let export = LabelExport(database: domain.database)
    let body = ResponseBody { output in
      let sink = Sink(output)
      try await export.rows(tenant, dataset: dataset, where: filter) { hasKeys in
        guard type == .csv else { return }
        sink.hasKeys = hasKeys
        var header: [UInt8] = []
        writer.appendCSVHeader(keyColumn: hasKeys ? writer.schema.keyColumn : nil, to: &header)
        try await sink.write(header)
      } _: { labels in
        var bytes: [UInt8] = []
        for label in labels {
          let row = RowWriter.Row(
            numbers: label.row.numbers, categories: label.row.categories, outcome: label.label ? 1 : 0,
            key: label.key)
          if type == .csv {
            writer.appendCSV(row, hasKey: sink.hasKeys, to: &bytes)
          } else {
            writer.appendNDJSON(row, to: &bytes)
          }
        }
        try await sink.write(bytes)
      }
      try await sink.finish()
    }
    let media = type == .csv ? "text/csv; charset=utf-8" : type.rawValue
    return Response(status: .ok, headers: [.contentType: media], body: body)
  }
}

/// The answer's body, for a closure that is handed on.
private final class Sink: @unchecked Sendable {
  // Sound: used by the one task that writes the answer.
  private var output: any ResponseBodyWriter
  /// Whether rows have a key's column.
  var hasKeys = false

  init(_ output: any ResponseBodyWriter) {
    self.output = output
  }

  func write(_ bytes: [UInt8]) async throws {
    try await output.write(ByteBuffer(bytes: bytes))
  }

  func finish() async throws {
    try await output.finish(nil)
  }
}
