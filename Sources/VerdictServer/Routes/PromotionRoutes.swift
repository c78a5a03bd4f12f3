import Hummingbird
import VerdictCore

/// `/v1/datasets/{dataset}/models/compare` and `/promotions`: what a choice of the active model is based on, and the history of
/// these choices.
struct PromotionRoutes {
  let comparisons: ModelComparisons
  let promotions: PromotionStore

  func add(to api: API) {
    api.on(.get, "/v1/datasets/{dataset}/models/compare", role: .read, isBulk: true, compare)
    api.on(.get, "/v1/datasets/{dataset}/promotions", role: .read, isBulk: true, list)
  }

  @Sendable private func compare(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let name = try context.dataset()
    let query = try QueryParameters(request, known: ["champion", "challenger"])
    func version(_ name: String) throws -> Int {
      guard let version = try query.integer(name, in: 1...Int(Int32.max)) else {
        throw QueryParameters.refusal(name, "is missing")
      }
      return version
    }
    let (champion, challenger) = (try version("champion"), try version("challenger"))
    let comparison = try await comparisons.compare(
      principal.tenant, dataset: name, champion: champion, challenger: challenger)
    return try .json { try $0.comparison(comparison) }
  }

  @Sendable private func list(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let name = try context.dataset()
    let query = try QueryParameters(request, known: ["limit", "cursor"])
    let limit = try query.limit()
    let entries = try await promotions.list(
      principal.tenant, dataset: name, before: try query.numberCursor(), limit: limit + 1)
    return try .page(Page(entries, limit: limit) { "\($0.id)" }) { try $0.promotion($1) }
  }
}
