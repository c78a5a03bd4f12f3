import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import PostgreSQL
import RowFormats
import VerdictCore

/// `POST /v1/datasets/{dataset}/predictions` and `…/batch`: asking. What is stored is in ``StoredPredictionRoutes``, what
/// was true in ``FeedbackRoutes``, batches as streams in ``StreamingPredictionHandler``.
struct PredictionRoutes {
  let services: AppServices

  /// How many rows one JSON batch may have.
  static let batchLimit = 100_000

  func add(to api: API) {
    let path = "/v1/datasets/{dataset}/predictions"
    api.on(.post, path, role: .predict, predict)
    api.on(.post, path + "/batch", role: .predict, predictBatch)
    StoredPredictionRoutes(services: services).add(to: api)
    FeedbackRoutes(services: services).add(to: api)
  }

  @Sendable private func predict(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let name = try context.dataset()
    let options = try PredictionOptions(request)
    let body = try await Body.read(request, of: principal.tenant, accepted: [.json], limit: BodyLimits.small)
    return try await answer(request, principal, body, name, options) {
      try PredictionBody.one(body, $0.schema)
    } write: { answers in
      var bytes: [UInt8] = []
      bytes.reserveCapacity(256)
      try AnswerText(answers, explain: options.explain).appendJSON(0, to: &bytes)
      var headers = HTTPFields()
      if let id = answers.ids.first {
        var location = Array("/v1/datasets/\(name)/predictions/".utf8)
        location.append(uuid: id)
        headers[.location] = String(decoding: location, as: UTF8.self)
      }
      return .bytes(
        options.status, headers: headers, type: "application/json", ByteBuffer(bytes: bytes))
    }
  }

  @Sendable private func predictBatch(
    _ request: Request, _ context: Context, _ principal: Principal
  ) async throws -> Response {
    let name = try context.dataset()
    let type = try BodyType.of(request, accepted: [.json, .ndjson, .csv])
    if type != .json {
      return try await StreamingPredictionHandler(services: services).answer(
        request, principal, name, type, revalidator: context.keyRevalidator(request), logger: context.logger)
    }
    let options = try PredictionOptions(request)
    let body = try await Body.read(request, of: principal.tenant, accepted: [.json], limit: BodyLimits.batch)
    return try await answer(request, principal, body, name, options) {
      try PredictionBody.batch(body, $0.schema, limit: Self.batchLimit)
    } write: { answers in
      let text = AnswerText(answers, explain: options.explain)
      var bytes = Array("{\"predictions\":[".utf8)
      bytes.reserveCapacity(answers.count * 192)
      for row in 0..<answers.count {
        if row > 0 { bytes.append(UInt8(ascii: ",")) }
        try text.appendJSON(row, to: &bytes)
      }
      bytes.append(contentsOf: "]}".utf8)
      return .bytes(options.status, type: "application/json", ByteBuffer(bytes: bytes))
    }
  }

  /// Answers rows; under an Idempotency-Key in a transaction of its own together with the answer that is kept,
  /// otherwise together with what other requests store at the same time.
  private func answer(
    _ request: Request, _ principal: Principal, _ body: Body, _ name: String, _ options: PredictionOptions,
    reading read: @escaping @Sendable (ServedDataset) throws -> RowBatch,
    write: @escaping @Sendable (PredictionAnswers) throws -> Response
  ) async throws -> Response {
    guard request.headers.contains(.idempotencyKey) else {
      let storage = options.storage(in: nil)
      guard options.store else {
        return try write(try await services.predict(principal.tenant, name, storing: storage, reading: read))
      }
      return try await services.withPermit(principal.tenant, bytes: body.bytes.count) {
        try write(try await services.predict(principal.tenant, name, storing: storage, reading: read))
      }
    }
    return try await services.once(request, principal, body: body) { tx in
      try write(
        try await services.predict(
          principal.tenant, name, storing: options.storage(in: tx), reading: read))
    }
  }
}

extension AppServices {
  /// Answers rows, and counts what became of them.
  func predict(
    _ tenant: TenantID, _ name: String, storing storage: PredictionService.Storage,
    reading read: @Sendable (ServedDataset) throws -> RowBatch
  ) async throws -> PredictionAnswers {
    do {
      let answers = try await predictions.predict(tenant, dataset: name, storing: storage, reading: read)
      predictionMetrics.answered(tenant, answers.count, stored: !answers.ids.isEmpty)
      return answers
    } catch {
      predictionMetrics.failed(error)
      throw error
    }
  }
}

/// What a request for predictions may ask for beside the rows.
struct PredictionOptions {
  var explain = false
  var store = true
  var status: HTTPResponse.Status { store ? .created : .ok }

  private static let known: Set<String> = ["explain", "store"]

  /// Whether and how the answers are kept, in the transaction that the request has, if any.
  func storage(in tx: Transaction?) -> PredictionService.Storage {
    guard store else { return .nowhere(asking: tx) }
    return tx.map { .within($0) } ?? .committed
  }

  init(_ request: Request) throws {
    try self.init(try QueryParameters(request, known: Self.known))
  }

  init(_ query: QueryParameters) throws {
    explain = try query.bool("explain") ?? false
    store = try query.bool("store") ?? true
  }
}
