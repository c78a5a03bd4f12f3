import HTTPTypes
import Hummingbird
import VerdictCore

/// `/v1/datasets/{dataset}/profile`.
struct ProfileRoutes {
  let profiles: ProfileStore

  func add(to api: API) {
    api.on(.get, "/v1/datasets/{dataset}/profile", role: .read, isBulk: true, read)
  }

  @Sendable private func read(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let name = try context.dataset()
    let query = try QueryParameters(request, known: ["limit", "cursor"])
    let limit = try query.limit()
    let cursor = try query.numberCursor()
    let profile = try await profiles.profile(
      principal.tenant, dataset: name, after: cursor, limit: limit + 1)
    let items = profile.features.enumerated().map { (position: (cursor ?? 0) + $0 + 1, feature: $1) }
    let page = Page(items, limit: limit) { "\($0.position)" }
    return try .conditional(request) { $0.profile(profile, page) }
  }
}
