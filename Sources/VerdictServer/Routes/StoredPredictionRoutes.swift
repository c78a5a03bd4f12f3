import Foundation
import HTTPTypes
import Hummingbird
import RowFormats
import VerdictCore

/// `/v1/datasets/{dataset}/predictions` and `…/{id}`: reads and deletions of stored predictions. ``PredictionExportHandler`` handles
/// exports.
struct StoredPredictionRoutes {
  let predictions: PredictionStore
  let deletion: PredictionDeletion
  let exports: PredictionExportHandler
  let limiter: ConnectionLimiter

  func add(to api: API) {
    let path = "/v1/datasets/{dataset}/predictions"
    api.on(.get, path, role: .read, isBulk: true, list)
    for type in [BodyType.csv, .ndjson] {
      api.on(.get, path + type.pathExtension, role: .read, isBulk: true) {
        try await export($0, $1, $2, as: type)
      }
    }
    api.on(.delete, path, role: .write, deleteMany)
    api.on(.get, path + "/{id}", role: .read, read)
    api.on(.delete, path + "/{id}", role: .write, delete)
  }

  private enum Sort: String {
    case newest, uncertainty
  }

  private static let filters: Set<String> = [
    "labelled", "model_version", "created_from", "created_before", "reference", "group", "occurred_from",
    "occurred_before",
  ]

  @Sendable private func list(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let name = try context.dataset()
    let type = try BodyType.wanted(by: request, offered: [.json, .csv, .ndjson])
    guard type == .json else {
      return try await export(request, context, principal, as: type).deprecated()
    }
    let query = try QueryParameters(request, known: Self.filters.union(["limit", "cursor", "sort"]))
    let limit = try query.limit()
    guard let sort = Sort(rawValue: query["sort"] ?? Sort.newest.rawValue) else {
      throw QueryParameters.refusal("sort", "must be newest or uncertainty")
    }
    let order: PredictionOrder =
      switch sort {
      case .newest: .newest(before: try query.cursor(atMost: 36) { UUID(uuidString: $0) })
      case .uncertainty:
        .uncertainty(after: try query.cursor(atMost: 57, PredictionOrder.UncertaintyCursor.init(cursor:)))
      }
    let (dataset, found) = try await predictions.list(
      principal.tenant, dataset: name, where: try Self.filter(query), in: order, limit: limit + 1)
    let page = Page(found, limit: limit) {
      sort == .newest ? $0.id.uuidString : $0.uncertainty.cursor
    }
    return .page(page) { $0.prediction($1, of: dataset) }
  }

  private func export(_ request: Request, _ context: Context, _ principal: Principal, as type: BodyType)
    async throws -> Response
  {
    let name = try context.dataset()
    let filter = try Self.filter(try QueryParameters(request, known: Self.filters))
    return try await exports.export(
      name, principal.tenant, as: type, where: filter, revalidator: context.keyRevalidator(request))
  }

  private static func filter(_ query: QueryParameters) throws -> PredictionFilter {
    var filter = PredictionFilter()
    filter.labelled = try query.bool("labelled")
    filter.modelVersion = try query.integer("model_version", in: 1...Int(Int32.max))
    filter.createdFrom = try query.time("created_from")
    filter.createdBefore = try query.time("created_before")
    filter.reference = try query.identifier("reference")
    filter.group = try query.identifier("group")
    filter.occurredFrom = try query.time("occurred_from")
    filter.occurredBefore = try query.time("occurred_before")
    return filter
  }

  @Sendable private func read(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let (name, id) = try (context.dataset(), context.identifier("id", of: "prediction"))
    _ = try QueryParameters(request, known: [])
    let (dataset, prediction) = try await predictions.prediction(
      principal.tenant, dataset: name, id: id)
    return .json { $0.prediction(prediction, of: dataset) }
  }

  @Sendable private func delete(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let (name, id) = try (context.dataset(), context.identifier("id", of: "prediction"))
    let labels = try QueryParameters(request, known: ["labels"]).bool("labels") ?? false
    // The deletion of a label waits for uploads with keys, and holds a connection.
    try await limiter.withPermit(for: principal.tenant, to: .exclusion) {
      try await deletion.delete(
        principal.tenant, dataset: name, id: id, withLabels: labels, by: principal.actor)
    }
    return Response(status: .noContent)
  }

  @Sendable private func deleteMany(_ request: Request, _ context: Context, _ principal: Principal)
    async throws -> Response
  {
    let name = try context.dataset()
    let query = try QueryParameters(request, known: Self.filters.union(["labels", "all"]))
    let filter = try Self.filter(query)
    let labels = try query.bool("labels") ?? false
    if let all = query["all"] {
      guard all == "true" else { throw QueryParameters.refusal("all", "must be true or left out") }
      guard filter == PredictionFilter() else {
        throw QueryParameters.refusal("all", "does not go with another filter")
      }
    } else if filter == PredictionFilter() {
      throw Problem(
        .invalidParameter,
        """
        Say which predictions to delete: reference=, group=, created_from=, created_before=, occurred_from=, occurred_before=, \
        model_version=, labelled=, or all=true for every one.
        """
      )
    }
    // A deletion of many rows takes a connection for step after step.
    let deleted = try await limiter.withPermit(for: principal.tenant) {
      try await deletion.delete(
        principal.tenant, dataset: name, where: filter, withLabels: labels, by: principal.actor)
    }
    return .json { json in
      json.object { json in
        json.name("deleted")
        json.integer(deleted.predictions)
        json.name("labels_deleted")
        json.integer(deleted.labels)
      }
    }
  }
}

extension PredictionOrder.UncertaintyCursor {
  /// The cursor's text: the exact bits of the distance, and the id.
  fileprivate var cursor: String { "\(distance.bitPattern):\(id.uuidString)" }

  fileprivate init?(cursor: String) {
    let parts = cursor.split(separator: ":")
    guard parts.count == 2, let bits = UInt64(parts[0]), let id = UUID(uuidString: String(parts[1])) else {
      return nil
    }
    let distance = Double(bitPattern: bits)
    guard distance.isFinite else { return nil }
    self.init(distance: distance, id: id)
  }
}
