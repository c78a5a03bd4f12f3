import Hummingbird
import Learning
import NIOCore
import VerdictCore

/// `/v1/datasets/{dataset}/models/{version}/export.json`, `export.pmml` and `export.sql`: models for other programs.
struct ModelExportRoutes {
  let models: ModelStore

  private enum Format: String, CaseIterable {
    case json, pmml, sql

    /// The query parameters of the format's operation.
    var parameters: Set<String> { self == .sql ? ["table"] : [] }
  }

  func add(to api: API) {
    let path = "/v1/datasets/{dataset}/models/{version}/export"
    for format in Format.allCases {
      api.on(.get, "\(path).\(format.rawValue)", role: .read, isBulk: true) { request, context, principal in
        let (name, version) = try (context.dataset(), context.modelVersion())
        let query = try QueryParameters(request, known: format.parameters)
        return try await export(principal.tenant, name, version, as: format, table: Self.table(query))
      }
    }
    api.on(.get, path, role: .read, isBulk: true, exportByParameter)
  }

  /// The deprecated operation, whose parameter `format` chooses the media type of the response.
  @Sendable private func exportByParameter(
    _ request: Request, _ context: Context, _ principal: Principal
  ) async throws -> Response {
    let (name, version) = try (context.dataset(), context.modelVersion())
    let query = try QueryParameters(request, known: ["format", "table"])
    guard let format = query["format"].flatMap(Format.init) else {
      throw QueryParameters.refusal("format", "must be json, pmml or sql")
    }
    guard query["table"] == nil || format == .sql else {
      throw QueryParameters.refusal("table", "goes with format=sql")
    }
    return try await export(principal.tenant, name, version, as: format, table: Self.table(query))
      .deprecated()
  }

  private static func table(_ query: QueryParameters) throws -> String? {
    guard let table = query["table"] else { return nil }
    if let objection = TextRule.name(atMost: 128).objection(to: table) {
      throw QueryParameters.refusal("table", objection)
    }
    let names = table.unicodeScalars.split(separator: ".", omittingEmptySubsequences: false)
    guard !names.contains(where: \.isEmpty) else {
      throw QueryParameters.refusal("table", "must be a name, or names separated by single dots")
    }
    return table
  }

  private func export(_ tenant: TenantID, _ name: String, _ version: Int, as format: Format, table: String?)
    async throws -> Response
  {
    try await models.withModel(tenant, dataset: name, version: version) { record in
      let model = record.model
      return switch format {
      case .json: .bytes(type: "application/json", ByteBuffer(string: try model.exportJSON()))
      case .pmml: .bytes(type: "application/xml", ByteBuffer(string: try model.exportPMML()))
      case .sql:
        .bytes(type: "application/sql", ByteBuffer(string: try model.exportSQL(table: table ?? name)))
      }
    }
  }
}
