import HTTPTypes
import Hummingbird
import VerdictCore

/// `/v1/datasets/{dataset}/erasures`.
struct ErasureRoutes {
  let erasures: ErasureStore
  let idempotency: IdempotentExecutor

  func add(to api: API) {
    let path = "/v1/datasets/{dataset}/erasures"
    // As the deletion of labels, of predictions and of models, which an erasure consists of.
    api.on(.post, path, role: .write, create)
    api.on(.get, path, role: .read, list)
    api.on(.get, path + "/{id}", role: .read, read)
  }

  @Sendable private func create(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let name = try context.dataset()
    _ = try QueryParameters(request, known: [])
    let body = try await Body.read(
      request, of: principal.tenant, accepted: [.json], limit: BodyLimits.small)
    let fields = try ErasureBody.parse(body)
    return try await idempotency.run(request, principal, body: body) { tx in
      let erasure = try await erasures.request(
        principal.tenant, dataset: name, fields.subject, retrain: fields.retrain, by: principal.actor, in: tx)
      let location = "/v1/datasets/\(name)/erasures/\(erasure.id)"
      return IdempotentResponse(.json(.accepted, headers: [.location: location]) { $0.erasure(erasure) })
    }
  }

  @Sendable private func list(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let name = try context.dataset()
    let query = try QueryParameters(request, known: ["limit", "cursor"])
    let limit = try query.limit()
    let found = try await erasures.list(
      principal.tenant, dataset: name, before: try query.numberCursor(), limit: limit + 1)
    return .page(Page(found, limit: limit) { "\($0.id)" }) { $0.erasure($1) }
  }

  @Sendable private func read(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let (name, id) = try (context.dataset(), context.number("id", of: "erasure"))
    _ = try QueryParameters(request, known: [])
    let erasure = try await erasures.erasure(principal.tenant, dataset: name, id: id)
    return .json { $0.erasure(erasure) }
  }
}
