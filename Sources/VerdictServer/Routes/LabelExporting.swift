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
    let export = LabelExport(database: domain.database)
    let body = ResponseBody { output in
      let sink = Sink(output)
      try await export.text(tenant, dataset: dataset, as: type == .csv ? .csv : .ndjson, where: filter) {
        try await sink.write($0)
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
