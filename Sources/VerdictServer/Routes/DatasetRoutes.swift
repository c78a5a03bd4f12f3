import HTTPTypes
import Hummingbird
import VerdictCore

/// `/v1/datasets` and `/v1/datasets/{dataset}`.
struct DatasetRoutes {
  let datasets: DatasetStore
  let autoTraining: AutoTraining
  let publisher: DatasetChangePublisher
  let idempotency: IdempotentExecutor

  func add(to api: API) {
    api.on(.post, "/v1/datasets", role: .write, create)
    api.on(.get, "/v1/datasets", role: .read, isBulk: true, list)
    api.on(.get, "/v1/datasets/{dataset}", role: .read, read)
    api.on(.patch, "/v1/datasets/{dataset}", role: .write, change)
    api.on(.delete, "/v1/datasets/{dataset}", role: .write, delete)
  }

  @Sendable private func create(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    _ = try QueryParameters(request, known: [])
    let body = try await Body.read(request, of: principal.tenant, accepted: [.json], limit: BodyLimits.small)
    let new = try NewDatasetBody.parse(body)
    return try await idempotency.run(request, principal, body: body, creating: new.name) { tx in
      let summary = try await datasets.create(principal.tenant, new, by: principal.actor, in: tx)
      return IdempotentResponse(
        try .dataset(summary, .created, headers: [.location: "/v1/datasets/\(new.name)"]))
    }
  }

  @Sendable private func list(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let query = try QueryParameters(request, known: ["limit", "cursor"])
    let limit = try query.limit()
    let after = try query.cursor(atMost: 63) { $0 }
    let page = try await datasets.list(principal.tenant, after: after, limit: limit + 1)
    return try .conditional(request, Page(page, limit: limit) { $0.dataset.name }) { try $0.dataset($1) }
  }

  @Sendable private func read(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let name = try context.dataset()
    _ = try QueryParameters(request, known: [])
    let summary = try await datasets.summary(principal.tenant, named: name)
    return try .conditional(request) { try $0.dataset(summary) }
  }

  @Sendable private func change(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let name = try context.dataset()
    _ = try QueryParameters(request, known: [])
    let body = try await Body.read(
      request, of: principal.tenant, accepted: [.mergePatch, .json], limit: BodyLimits.small)
    let patch = try DatasetPatchBody.parse(body)
    let condition = try DatasetSummary.condition(of: request)
    let summary = try await datasets.change(
      principal.tenant, named: name, autoTraining, by: principal.actor, if: condition
    ) { try patch.change(of: $0) }
    await publisher.publish(principal.tenant, name)
    return try .dataset(summary)
  }

  @Sendable private func delete(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let name = try context.dataset()
    _ = try QueryParameters(request, known: [])
    let condition = try DatasetSummary.condition(of: request)
    try await datasets.delete(principal.tenant, named: name, by: principal.actor, if: condition)
    await publisher.publish(principal.tenant, name)
    return Response(status: .noContent)
  }
}
