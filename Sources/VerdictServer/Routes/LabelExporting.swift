import HTTPTypes
import Hummingbird
import VerdictCore

/// All labels of a dataset as a stream that can be posted back as it is.
struct LabelExporting {
  let services: AppServices

  func export(
    _ name: String, _ tenant: TenantID, as type: BodyType, where filter: LabelFilter,
    revalidator: KeyRevalidator
  ) async throws -> Response {
    // Looked up before the answer begins, so that an absent dataset is a 404 and not an empty file.
    let dataset = try await services.ingest.dataset(tenant, named: name)
    let export = LabelExport(database: services.database)
    // The client holds a connection at its own pace: there may be so many of those.
    let permit = try await services.connectionLimiter.take(.stream, for: tenant)
    let body = ResponseBody { output in
      defer { permit.leave() }
      let sink = ResponseSink(output)
      try await export.text(tenant, dataset: dataset, as: type == .csv ? .csv : .ndjson, where: filter) {
        try await revalidator.check()
        try await sink.write($0)
      }
      try await sink.finish()
    }
    let media = type == .csv ? "text/csv; charset=utf-8" : type.rawValue
    return Response(status: .ok, headers: [.contentType: media], body: body)
  }
}
