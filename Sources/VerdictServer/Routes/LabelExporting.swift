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
      let sink = ResponseSink(output)
      if type == .csv {
        var header: [UInt8] = []
        writer.appendCSVHeader(to: &header)
        try await sink.write(header)
      }
      try await export.rows(tenant, dataset: dataset, where: filter) { labels in
        var bytes: [UInt8] = []
        for label in labels {
          let row = RowWriter.Row(
            numbers: label.row.numbers, categories: label.row.categories, outcome: label.label ? 1 : 0,
            key: label.key)
          if type == .csv {
            writer.appendCSV(row, to: &bytes)
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
