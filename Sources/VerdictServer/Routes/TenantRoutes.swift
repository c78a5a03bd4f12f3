import HTTPTypes
import Hummingbird
import VerdictCore

/// `/v1/usage` and `/v1/audit`: the tenant's limits and use, and its audit log.
struct TenantRoutes {
  let usage: UsageStore
  let audit: AuditLog
  /// The number of concurrent trainings of a tenant without a limit of its own.
  let standardJobs: Int
  let shares: TenantShares

  func add(to api: API) {
    api.on(.get, "/v1/usage", role: .read, readUsage)
    api.on(.get, "/v1/audit", role: .admin, listAudit)
  }

  @Sendable private func readUsage(_ request: Request, _ context: Context, _ principal: Principal)
    async throws
    -> Response
  {
    _ = try QueryParameters(request, known: [])
    let usage = try await usage.usage(principal.tenant)
    return .json { $0.usage(usage, jobs: standardJobs, shares: shares.of(principal.tenant)) }
  }

  @Sendable private func listAudit(_ request: Request, _ context: Context, _ principal: Principal)
    async throws
    -> Response
  {
    let query = try QueryParameters(request, known: ["limit", "cursor"])
    let limit = try query.limit()
    let entries = try await audit.list(
      principal.tenant, before: try query.numberCursor(), limit: limit + 1)
    return .page(Page(entries, limit: limit) { "\($0.id)" }) { $0.auditEntry($1) }
  }
}
