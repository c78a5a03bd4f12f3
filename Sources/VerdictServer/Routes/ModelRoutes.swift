import HTTPTypes
import Hummingbird
import Learning
import VerdictCore

/// `/v1/datasets/{dataset}/models` and `/kpis`. ``ModelExportRoutes`` exports models.
struct ModelRoutes {
  let models: ModelStore
  let liveKPIs: LiveKPIStore
  let publisher: DatasetChangePublisher

  func add(to api: API) {
    let path = "/v1/datasets/{dataset}/models"
    api.on(.get, path, role: .read, isBulk: true, list)
    api.on(.put, path + "/active", role: .write, activate)
    api.on(.get, path + "/{version}", role: .read, isBulk: true, read)
    api.on(.delete, path + "/{version}", role: .write, delete)
    api.on(.get, path + "/{version}/terms", role: .read, isBulk: true, terms)
    api.on(.get, path + "/{version}/curves", role: .read, curves)
    api.on(.get, path + "/{version}/live-kpis", role: .read, readLiveKPIs)
    let kpis = "/v1/datasets/{dataset}/kpis"
    api.on(.get, kpis, role: .read, history)
    api.on(.get, kpis + BodyType.csv.pathExtension, role: .read, historyAsCSV)
  }

  @Sendable private func list(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let name = try context.dataset()
    let query = try QueryParameters(request, known: ["limit", "cursor"])
    let limit = try query.limit()
    let page = try await models.list(
      principal.tenant, dataset: name, before: try query.numberCursor(), limit: limit + 1)
    return try .conditional(request, Page(page, limit: limit) { "\($0.version)" }) {
      try $0.modelSummary($1)
    }
  }

  @Sendable private func activate(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let name = try context.dataset()
    _ = try QueryParameters(request, known: [])
    let body = try await Body.read(request, of: principal.tenant, accepted: [.json], limit: BodyLimits.small)
    let active = try ActiveModelBody.parse(body)
    let model = try await models.activate(
      principal.tenant, dataset: name, version: active.version, pinned: active.isPinned,
      by: principal.actor)
    await publisher.publish(principal.tenant, name)
    return try .json { try $0.modelSummary(model) }
  }

  @Sendable private func read(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let (name, version) = try (context.dataset(), context.modelVersion())
    _ = try QueryParameters(request, known: [])
    return try await models.withModel(principal.tenant, dataset: name, version: version) { model in
      try .conditional(request) { try $0.model(model) }
    }
  }

  @Sendable private func terms(
    _ request: Request, _ context: Context, _ principal: Principal
  ) async throws -> Response {
    let (name, version) = try (context.dataset(), context.modelVersion())
    let query = try QueryParameters(request, known: ["limit", "cursor"])
    let limit = try query.limit()
    let start = try query.numberCursor() ?? 0
    return try await models.withModel(principal.tenant, dataset: name, version: version) { record in
      let terms = record.model.terms(minimumRows: record.minBinRows).enumerated().dropFirst(start)
        .prefix(limit + 1).map { (position: $0 + 1, term: $1) }
      return try .conditional(request) {
        $0.terms(Page(terms, limit: limit) { "\($0.position)" }, of: record)
      }
    }
  }

  @Sendable private func curves(
    _ request: Request, _ context: Context, _ principal: Principal
  ) async throws -> Response {
    let (name, version) = try (context.dataset(), context.modelVersion())
    _ = try QueryParameters(request, known: [])
    let curves = try await models.curves(principal.tenant, dataset: name, version: version)
    return try .json { try $0.encoded(curves) }
  }

  @Sendable private func readLiveKPIs(
    _ request: Request, _ context: Context, _ principal: Principal
  ) async throws -> Response {
    let (name, version) = try (context.dataset(), context.modelVersion())
    let query = try QueryParameters(request, known: ["since"])
    let live = try await liveKPIs.kpis(
      principal.tenant, dataset: name, version: version, since: try query.time("since"))
    return try .json { try $0.liveKPIs(live, version: version) }
  }

  @Sendable private func delete(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let (name, version) = try (context.dataset(), context.modelVersion())
    _ = try QueryParameters(request, known: [])
    try await models.delete(principal.tenant, dataset: name, version: version, by: principal.actor)
    return Response(status: .noContent)
  }

  @Sendable private func history(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let name = try context.dataset()
    let type = try BodyType.wanted(by: request, offered: [.json, .csv])
    if type == .csv { return try await historyAsCSV(request, context, principal).deprecated() }
    let query = try QueryParameters(request, known: ["limit", "cursor"])
    let limit = try query.limit()
    let records = try await models.history(
      principal.tenant, dataset: name, after: try query.numberCursor(), limit: limit + 1)
    return try .page(Page(records, limit: limit) { "\($0.modelVersion)" }) { try $0.kpiRecord($1) }
  }

  @Sendable private func historyAsCSV(
    _ request: Request, _ context: Context, _ principal: Principal
  ) async throws -> Response {
    let name = try context.dataset()
    _ = try QueryParameters(request, known: [])
    var csv = KPITable()
    var last: Int?
    repeat {
      let page = try await models.history(principal.tenant, dataset: name, after: last, limit: 1_000)
      for record in page { csv.append(record) }
      last = page.count == 1_000 ? page.last?.modelVersion : nil
    } while last != nil
    return .bytes(type: "text/csv; charset=utf-8", csv.buffer)
  }
}
