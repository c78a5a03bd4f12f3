import HTTPTypes
import Hummingbird
import VerdictCore

/// Streams all labels of a dataset in a form that can be posted back.
struct LabelExportHandler {
  let datasets: DatasetStore
  let export: LabelExport
  let limiter: ConnectionLimiter

  func export(
    _ name: String, _ tenant: TenantID, as type: BodyType, where filter: LabelFilter,
    revalidator: KeyRevalidator
  ) async throws -> Response {
    // Looked up before the response begins, so that an absent dataset is a 404 and not an empty file.
    let dataset = try await datasets.dataset(tenant, named: name)
    return try await .stream(type, for: tenant, limiter) { sink in
      try await export.text(tenant, dataset: dataset, as: type == .csv ? .csv : .ndjson, where: filter) {
        try await revalidator.check()
        try await sink.write($0)
      }
    }
  }
}
