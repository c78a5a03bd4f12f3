import Foundation
import HTTPTypes
import Hummingbird
import RowFormats
import VerdictCore

/// `/v1/datasets/{dataset}/labels`: reads, corrections and deletions. ``LabelUploadHandler`` handles posts, ``LabelExportHandler``
/// exports.
struct LabelRoutes {
  let labels: LabelStore
  let uploads: LabelUploadHandler
  let exports: LabelExportHandler
  let limiter: ConnectionLimiter

  func add(to api: API) {
    let path = "/v1/datasets/{dataset}/labels"
    api.on(.post, path, role: .write, isBulk: true, uploads.post)
    api.on(.get, path, role: .read, isBulk: true, list)
    for type in [BodyType.csv, .ndjson] {
      api.on(.get, path + type.pathExtension, role: .read, isBulk: true) {
        try await export($0, $1, $2, as: type)
      }
    }
    api.on(.delete, path, role: .write, deleteMany)
    api.on(.get, path + "/{id}", role: .read, read)
    api.on(.patch, path + "/{id}", role: .write, change)
    api.on(.delete, path + "/{id}", role: .write, delete)
  }

  @Sendable private func list(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let name = try context.dataset()
    let type = try BodyType.wanted(by: request, offered: [.json, .csv, .ndjson])
    guard type == .json else {
      return try await export(request, context, principal, as: type).deprecated()
    }
    let query = try QueryParameters(request, known: Self.filters.union(["limit", "cursor"]))
    let limit = try query.limit()
    let (dataset, page) = try await labels.list(
      principal.tenant, dataset: name, where: try Self.filter(query),
      after: try query.numberCursor(),
      limit: limit + 1)
    return .page(Page(page, limit: limit) { "\($0.id)" }) { $0.label($1, of: dataset) }
  }

  private func export(_ request: Request, _ context: Context, _ principal: Principal, as type: BodyType)
    async throws -> Response
  {
    let name = try context.dataset()
    let query = try QueryParameters(request, known: Self.filters)
    return try await exports.export(
      name, principal.tenant, as: type, where: try Self.filter(query),
      revalidator: context.keyRevalidator(request))
  }

  @Sendable private func read(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let (name, id) = try target(request, context)
    let (dataset, label) = try await labels.label(principal.tenant, dataset: name, id: id)
    return .json { $0.label(label, of: dataset) }
  }

  @Sendable private func change(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let (name, id) = try target(request, context)
    let body = try await Body.read(
      request, of: principal.tenant, accepted: [.mergePatch, .json], limit: BodyLimits.small)
    let patch = try LabelPatchBody.parse(body)
    let (dataset, label) = try await labels.change(principal.tenant, dataset: name, id: id) {
      dataset, label in
      try patch.applied(to: label, of: dataset)
    }
    return .json { $0.label(label, of: dataset) }
  }

  @Sendable private func delete(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let (name, id) = try target(request, context)
    // Deletions wait for uploads with keys, and each holds a connection.
    try await limiter.withPermit(for: principal.tenant, to: .exclusion) {
      try await labels.delete(principal.tenant, dataset: name, id: id, by: principal.actor)
    }
    return Response(status: .noContent)
  }

  @Sendable private func deleteMany(_ request: Request, _ context: Context, _ principal: Principal)
    async throws
    -> Response
  {
    let name = try context.dataset()
    let query = try QueryParameters(request, known: Self.filters.union(["id", "created_before", "all"]))
    var filter = try Self.filter(query)
    if let ids = query["id"] {
      let numbers = ids.split(separator: ",", omittingEmptySubsequences: false).map(QueryParameters.integer)
      guard (1...1_000).contains(numbers.count), !numbers.contains(where: { ($0 ?? 0) < 1 }) else {
        throw QueryParameters.refusal("id", "must be 1 to 1000 numbers of labels, separated by commas")
      }
      filter.ids = numbers.compactMap(\.self)
    }
    if let text = query["created_before"] {
      guard let time = Timestamp.parse(text) else {
        throw QueryParameters.refusal("created_before", "must be a time as in RFC 3339")
      }
      filter.createdBefore = time
    }
    if let all = query["all"] {
      guard all == "true" else { throw QueryParameters.refusal("all", "must be true or left out") }
      guard !filter.isGiven else { throw QueryParameters.refusal("all", "does not go with another filter") }
      filter.all = true
    }
    guard filter.isGiven else {
      throw Problem(
        .invalidParameter,
        "Say which labels to delete: id=, key=, reference=, group=, created_before=, source=, or all=true for every one."
      )
    }
    // Deletions of one dataset wait for each other, and each holds a connection.
    let deleted = try await limiter.withPermit(for: principal.tenant) { [filter] in
      try await labels.delete(principal.tenant, dataset: name, where: filter, by: principal.actor)
    }
    return .json { json in
      json.object { json in
        json.name("deleted")
        json.integer(deleted)
      }
    }
  }

  private func target(_ request: Request, _ context: Context) throws -> (String, Int) {
    let target = try (context.dataset(), context.number("id", of: "label"))
    _ = try QueryParameters(request, known: [])
    return target
  }

  private static let filters: Set<String> = ["key", "reference", "group", "source"]

  /// The conditions that lists, exports and deletions share.
  private static func filter(_ query: QueryParameters) throws -> LabelFilter {
    var filter = LabelFilter()
    filter.keys = try query.identifier("key").map { [$0] }
    filter.reference = try query.identifier("reference")
    filter.group = try query.identifier("group")
    if let source = query["source"] {
      guard let source = LabelSource(rawValue: source) else {
        throw QueryParameters.refusal("source", "must be api or prediction")
      }
      filter.source = source
    }
    return filter
  }
}
