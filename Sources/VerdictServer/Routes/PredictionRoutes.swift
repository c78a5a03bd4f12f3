import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import PostgreSQL
import RowFormats
import VerdictCore

/// `POST /v1/datasets/{dataset}/predictions` and `…/batch`: new predictions. ``StreamingPredictionHandler`` handles batches as
/// streams, `…/batch.ndjson` and `…/batch.csv`.
struct PredictionRoutes {
  let predictor: MeteredPredictor
  let streaming: StreamingPredictionHandler
  let limiter: ConnectionLimiter
  let idempotency: IdempotentExecutor

  /// The most rows of a JSON batch.
  static let batchLimit = 100_000

  func add(to api: API) {
    let path = "/v1/datasets/{dataset}/predictions"
    api.on(.post, path, role: .predict, predict)
    api.on(.post, path + "/batch", role: .predict, isBulk: true, predictBatch)
    for type in [BodyType.ndjson, .csv] {
      api.on(.post, path + "/batch" + type.pathExtension, role: .predict, isBulk: true) {
        request, context, principal in
        let name = try context.dataset()
        _ = try BodyType.of(request, accepted: [type])
        return try await streaming.answer(request, context, principal, name, type)
      }
    }
  }

  @Sendable private func predict(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let name = try context.dataset()
    let options = try PredictionOptions(request)
    let body = try await Body.read(request, of: principal.tenant, accepted: [.json], limit: BodyLimits.small)
    let share = body.reservation(for: principal.tenant)
    return try await answer(request, principal, body, name, options) {
      try PredictionBody.one(body, $0.schema, explain: options.explain, in: share)
    } write: { answers in
      var bytes: [UInt8] = []
      bytes.reserveCapacity(256)
      try options.formatter(answers).appendJSON(0, to: &bytes)
      var headers = HTTPFields()
      if let id = answers.ids.first {
        var location = Array("/v1/datasets/\(name)/predictions/".utf8)
        location.append(uuid: id)
        headers[.location] = String(decoding: location, as: UTF8.self)
      }
      return Response.bytes(
        options.status, headers: headers, type: "application/json", ByteBuffer(bytes: bytes)
      ).holding(share)
    }
  }

  @Sendable private func predictBatch(
    _ request: Request, _ context: Context, _ principal: Principal
  ) async throws -> Response {
    let name = try context.dataset()
    let type = try BodyType.of(request, accepted: [.json, .ndjson, .csv])
    if type != .json {
      return try await streaming.answerNegotiated(request, context, principal, name, type).deprecated()
    }
    let options = try PredictionOptions(request)
    let body = try await Body.read(request, of: principal.tenant, accepted: [.json], limit: BodyLimits.batch)
    let share = body.reservation(for: principal.tenant)
    return try await answer(request, principal, body, name, options) {
      try PredictionBody.batch(body, $0.schema, limit: Self.batchLimit, in: share)
    } write: {
      try PredictionBatchAnswer(options.formatter($0), $0.count, share)
        .response(options.status)
    }
  }

  /// Predicts rows: under an Idempotency-Key in a transaction of its own that also stores the response, otherwise in a flush
  /// that concurrent requests share.
  private func answer(
    _ request: Request, _ principal: Principal, _ body: Body, _ name: String, _ options: PredictionOptions,
    reading read: @escaping @Sendable (ServedDataset) throws -> RowBatch,
    write: @escaping @Sendable (PredictionAnswers) throws -> Response
  ) async throws -> Response {
    guard request.headers.contains(.idempotencyKey) else {
      let storage = options.storage(in: nil)
      guard options.store else {
        return try write(try await predictor.predict(principal.tenant, name, storing: storage, reading: read))
      }
      return try await limiter.withPermit(for: principal.tenant, bytes: body.bytes.count) {
        try write(try await predictor.predict(principal.tenant, name, storing: storage, reading: read))
      }
    }
    return try await answerOnce(request, principal, body, name, options, reading: read, write: write)
  }

  /// Predicts rows under an Idempotency-Key.
  ///
  /// Not inlined, so that the frames of requests without one stay small.
  @inline(never)
  private func answerOnce(
    _ request: Request, _ principal: Principal, _ body: Body, _ name: String, _ options: PredictionOptions,
    reading read: @escaping @Sendable (ServedDataset) throws -> RowBatch,
    write: @escaping @Sendable (PredictionAnswers) throws -> Response
  ) async throws -> Response {
    try await predictor.prepare(principal.tenant, name)
    return try await idempotency.run(request, principal, body: body) { tx in
      IdempotentResponse(
        try write(
          try await predictor.predict(
            principal.tenant, name, storing: options.storage(in: tx), reading: read)))
    }
  }
}

/// Predicts, and counts the outcomes.
struct MeteredPredictor: Sendable {
  let predictions: PredictionService
  let metrics: PredictionMetrics

  /// Loads the dataset's model before a transaction that predicts begins, so that the transaction does not hold its
  /// connection meanwhile.
  ///
  /// - Throws: what has to do with the load. Faults of the request are reported by ``predict(_:_:storing:reading:)``.
  func prepare(_ tenant: TenantID, _ name: String) async throws {
    do {
      try await predictions.prepare(tenant, dataset: name)
    } catch is DomainError {
      // The request may be a repetition that needs no dataset.
    } catch {
      metrics.failed(error)
      throw error
    }
  }

  /// Predicts rows of a dataset.
  ///
  /// - Throws: as ``PredictionService/predict(_:dataset:storing:reading:)``.
  func predict(
    _ tenant: TenantID, _ name: String, storing storage: PredictionService.Storage,
    reading read: @Sendable (ServedDataset) throws -> RowBatch
  ) async throws -> PredictionAnswers {
    do {
      let answers = try await predictions.predict(tenant, dataset: name, storing: storage, reading: read)
      metrics.answered(tenant, answers.count, stored: !answers.ids.isEmpty)
      return answers
    } catch {
      metrics.failed(error)
      throw error
    }
  }
}

/// The options of a request for predictions.
struct PredictionOptions {
  var explain = false
  /// Whether explanations show the contribution of a pair by halves among those of its features.
  var splitsPairs = false
  var store = true
  var status: HTTPResponse.Status { store ? .created : .ok }

  private static let known: Set<String> = ["explain", "pair_contributions", "store"]

  /// How the predictions are stored, in the request's transaction if it has one.
  func storage(in tx: Transaction?) -> PredictionService.Storage {
    guard store else { return .nowhere(asking: tx) }
    return tx.map { .within($0) } ?? .committed
  }

  init(_ request: Request) throws {
    try self.init(try QueryParameters(request, known: Self.known))
  }

  init(_ query: QueryParameters) throws {
    explain = try query.bool("explain") ?? false
    switch query["pair_contributions"] {
    case nil, "joint": splitsPairs = false
    case "split": splitsPairs = true
    default: throw QueryParameters.refusal("pair_contributions", "must be joint or split")
    }
    store = try query.bool("store") ?? true
  }

  /// Formats predictions as the options say.
  func formatter(_ answers: PredictionAnswers) -> PredictionFormatter {
    PredictionFormatter(answers, explain: explain, splitsPairs: splitsPairs)
  }
}
