import Foundation
import HTTPTypes
import Hummingbird
import VerdictCore

/// `/v1/datasets/{dataset}/predictions`.
struct PredictionRoutes {
  let domain: Domain

  /// How many rows one batch may have.
  static let batchLimit = 10_000

  func add(to api: API) {
    let path = "/v1/datasets/{dataset}/predictions"
    api.on(.post, path, role: .predict, predict)
    api.on(.get, path, role: .read, list)
    api.on(.post, path + "/batch", role: .predict, predictBatch)
    api.on(.get, path + "/{id}", role: .read, read)
    api.on(.put, path + "/{id}/label", role: .predict, label)
    api.on(.delete, path + "/{id}/label", role: .predict, removeLabel)
  }

  @Sendable private func predict(_ request: Request, _ context: Context, _ who: Principal) async throws
    -> Response
  {
    let name = try context.dataset()
    let options = try Options(request)
    let body = try await Body.read(request, accepted: [.json], limit: BodyLimits.small)
    return try await answer(request, who, body, name, options) {
      try PredictionBody.one(body, $0.schema)
    } write: {
      answers in
      guard let answer = answers.first else { throw Problem(.invalidBody, "The body has no row.") }
      let headers: HTTPFields =
        answer.id.map { [.location: "/v1/datasets/\(name)/predictions/\($0.uuidString.lowercased())"] } ?? [:]
      return try .json(options.status, headers: headers) { try $0.answer(answer, explain: options.explain) }
    }
  }

  @Sendable private func predictBatch(
    _ request: Request, _ context: Context, _ who: Principal
  ) async throws -> Response {
    let name = try context.dataset()
    let options = try Options(request)
    let body = try await Body.read(request, accepted: [.json], limit: BodyLimits.batch)
    return try await answer(request, who, body, name, options) {
      try PredictionBody.batch(body, $0.schema, limit: Self.batchLimit)
    } write: { answers in
      try .json(options.status) { json in
        try json.object { json in
          json.name("predictions")
          try json.array(answers) { try $0.answer($1, explain: options.explain) }
        }
      }
    }
  }

  @Sendable private func list(_ request: Request, _ context: Context, _ who: Principal) async throws
    -> Response
  {
    let name = try context.dataset()
    let query = try QueryParameters(request, known: ["limit", "cursor", "labelled", "model_version"])
    let limit = try query.limit()
    var filter = PredictionFilter()
    filter.labelled = try query.bool("labelled")
    filter.modelVersion = try query.integer("model_version", in: 1...Int(Int32.max))
    let (dataset, predictions) = try await domain.predictionStore.list(
      who.tenant, dataset: name, where: filter, before: try query.cursor { UUID(uuidString: $0) },
      limit: limit + 1)
    return .page(Page(predictions, limit: limit) { $0.id.uuidString }) { $0.prediction($1, of: dataset) }
  }

  @Sendable private func read(_ request: Request, _ context: Context, _ who: Principal) async throws
    -> Response
  {
    let (name, id) = try place(request, context)
    let (dataset, prediction) = try await domain.predictionStore.prediction(who.tenant, dataset: name, id: id)
    return .json { $0.prediction(prediction, of: dataset) }
  }

  @Sendable private func label(_ request: Request, _ context: Context, _ who: Principal) async throws
    -> Response
  {
    let (name, id) = try place(request, context)
    let body = try await Body.read(request, accepted: [.json], limit: BodyLimits.small)
    let truth = try PredictionLabelBody.parse(body)
    let (dataset, prediction) = try await domain.feedback.label(
      who.tenant, dataset: name, prediction: id, as: { try truth.outcome(in: $0) })
    return .json { $0.prediction(prediction, of: dataset) }
  }

  @Sendable private func removeLabel(_ request: Request, _ context: Context, _ who: Principal) async throws
    -> Response
  {
    let (name, id) = try place(request, context)
    try await domain.feedback.removeLabel(who.tenant, dataset: name, prediction: id)
    return Response(status: .noContent)
  }

  private func place(_ request: Request, _ context: Context) throws -> (String, UUID) {
    let place = try (context.dataset(), context.identifier("id", of: "prediction"))
    _ = try QueryParameters(request, known: [])
    return place
  }

  /// What a request for predictions may ask for beside the rows.
  private struct Options {
    var explain: Bool
    var store: Bool
    var status: HTTPResponse.Status { store ? .created : .ok }

    init(_ request: Request) throws {
      let query = try QueryParameters(request, known: ["explain", "store"])
      explain = try query.bool("explain") ?? false
      store = try query.bool("store") ?? true
    }
  }

  /// Answers rows; under an Idempotency-Key in a transaction of its own together with the answer that is kept,
  /// otherwise together with what other requests store at the same time.
  private func answer(
    _ request: Request, _ who: Principal, _ body: Body, _ name: String, _ options: Options,
    reading read: @escaping @Sendable (ServedDataset) throws -> [FeatureRow],
    write: @escaping @Sendable ([PredictionAnswer]) throws -> Response
  ) async throws -> Response {
    guard request.headers.contains(.idempotencyKey) else {
      return try write(
        try await domain.predictions.predict(
          who.tenant, dataset: name, storing: options.store ? .grouped : .nowhere, reading: read))
    }
    return try await domain.once(request, who, body: body) { tx in
      try write(
        try await domain.predictions.predict(
          who.tenant, dataset: name, storing: options.store ? .within(tx) : .nowhere, reading: read))
    }
  }
}
