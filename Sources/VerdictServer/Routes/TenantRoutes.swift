import HTTPTypes
import Hummingbird
import JobQueue
import VerdictCore

/// `/v1/usage` and `/v1/audit`: what the tenant uses of what it may, and who did what.
struct TenantRoutes {
  let services: AppServices

  func add(to api: API) {
    api.on(.get, "/v1/usage", role: .read, usage)
    api.on(.get, "/v1/audit", role: .admin, audit)
  }

  @Sendable private func usage(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    _ = try QueryParameters(request, known: [])
    let usage = try await services.usage.usage(principal.tenant)
    return .json { $0.usage(usage, jobs: services.queue.configuration.runningPerTenant) }
  }

  @Sendable private func audit(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let query = try QueryParameters(request, known: ["limit", "cursor"])
    let limit = try query.limit()
    let entries = try await services.audit.list(
      principal.tenant, before: try query.cursor(QueryParameters.integer), limit: limit + 1)
    return .page(Page(entries, limit: limit) { "\($0.id)" }) { $0.auditEntry($1) }
  }
}
