import HTTPTypes
import Hummingbird
import VerdictCore

/// `/v1/keys`: the tenant's API keys; `/v1/me`: the key of the request.
struct KeyRoutes {
  let keys: KeyStore
  let idempotency: IdempotentExecutor
  /// The number of concurrent trainings of a tenant without a limit of its own.
  let standardJobs: Int
  let shares: TenantShares

  func add(to api: API) {
    api.on(.get, "/v1/keys", role: .admin, list)
    api.on(.post, "/v1/keys", role: .admin, create)
    api.on(.get, "/v1/keys/{id}", role: .admin, read)
    api.on(.delete, "/v1/keys/{id}", role: .admin, delete)
    api.on(.get, "/v1/me", role: nil, readIdentity)
  }

  @Sendable private func list(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let query = try QueryParameters(request, known: ["limit", "cursor"])
    let limit = try query.limit()
    let page = try await keys.list(
      principal.tenant, after: try query.numberCursor(), limit: limit + 1)
    return .page(Page(page, limit: limit) { "\($0.id)" }) { $0.key($1) }
  }

  @Sendable private func create(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    _ = try QueryParameters(request, known: [])
    let body = try await Body.read(request, of: principal.tenant, accepted: [.json], limit: BodyLimits.small)
    let new = try NewKeyBody.parse(body)
    // A replay has no secret, since only its hash may be stored.
    return try await idempotency.run(request, principal, body: body) { tx in
      try await Quotas.admitOneMore(.keys, principal.tenant, in: tx)
      let issued = try await KeyStore.issue(
        principal.tenant, name: new.name, role: new.role, expiresAt: new.expiresAt, by: principal.actor,
        in: tx)
      let headers: HTTPFields = [.location: "/v1/keys/\(issued.key.id)", .cacheControl: "no-store"]
      return IdempotentResponse(
        .json(.created, headers: headers) { $0.issuedKey(issued.key, secret: issued.secret) },
        replay: .json(.created, headers: headers) { $0.issuedKey(issued.key, secret: nil) })
    }
  }

  @Sendable private func read(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    _ = try QueryParameters(request, known: [])
    let key = try await keys.key(principal.tenant, id: try context.number("id", of: "key"))
    return .json { $0.key(key) }
  }

  @Sendable private func readIdentity(_ request: Request, _ context: Context, _ principal: Principal)
    async throws
    -> Response
  {
    _ = try QueryParameters(request, known: [])
    guard let identity = try await keys.identity(principal.tenant, key: principal.keyID) else {
      throw Authenticator.unknownKey
    }
    return .json { $0.identity(identity, jobs: standardJobs, shares: shares.of(principal.tenant)) }
  }

  @Sendable private func delete(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    _ = try QueryParameters(request, known: [])
    try await keys.revoke(
      principal.tenant, id: try context.number("id", of: "key"), by: principal.actor)
    return Response(status: .noContent)
  }
}
