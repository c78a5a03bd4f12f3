import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import PostgreSQL
import VerdictCore

/// The Idempotency-Key of a request (draft-ietf-httpapi-idempotency-key-header).
struct IdempotencyKey: Sendable {
  let text: String
  /// Method, path and query.
  fileprivate let operation: String
  /// The name of the dataset that the request is about, if it is about one.
  fileprivate var dataset: String?

  /// The key in a request's header; `nil` without one.
  ///
  /// - Throws: ``Problem`` of kind `invalid-parameter` for a malformed key.
  init?(_ request: Request) throws {
    let keys = request.headers[values: .idempotencyKey]
    guard let key = keys.first else { return nil }
    guard keys.count == 1, (1...255).contains(key.utf8.count),
      key.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
    else {
      throw QueryParameters.refusal(
        "Idempotency-Key", "must be 1 to 255 printable ASCII characters, given once")
    }
    text = key
    operation = "\(request.method) \(request.uri)"
    let segments = request.uri.path.split(separator: "/", maxSplits: 3)
    if segments.count > 2, segments[1] == "datasets" { dataset = String(segments[2]) }
  }

  /// The identity of the request with a body.
  fileprivate func request(_ bodyHash: Data) -> IdempotentRequest {
    IdempotentRequest(key: text, operation: operation, bodyHash: bodyHash, dataset: dataset)
  }
}

/// A response together with the one that a replay gives.
struct IdempotentResponse {
  /// The response to this request.
  var response: Response
  /// The response to a repetition, if it differs: a secret is shown once and never stored.
  var replay: Response?

  /// A response that is replayed as it is.
  init(_ response: Response) { self.response = response }

  /// A response whose replay differs.
  init(_ response: Response, replay: Response) {
    self.response = response
    self.replay = replay
  }
}

/// Runs the work of a POST in one transaction; under an Idempotency-Key at most once, by storing the response in the same
/// transaction and replaying it to repetitions.
struct IdempotentExecutor: Sendable {
  let database: Database
  let limiter: ConnectionLimiter

  /// Runs `work` for a request whose body has been read.
  ///
  /// - Parameters:
  ///   - request: the request.
  ///   - principal: its sender.
  ///   - body: its body.
  ///   - dataset: the name of the dataset that `work` creates; `nil` for the one in the path, if there is one.
  ///   - work: the effect of the request, and its response.
  /// - Throws: ``Problem`` for a malformed key, ``ConnectionLimiter/Full`` for a large body under load, what `work` throws.
  func run(
    _ request: Request, _ principal: Principal, body: Body, creating dataset: String? = nil,
    work: @Sendable (Transaction) async throws -> IdempotentResponse
  ) async throws -> Response {
    var key = try IdempotencyKey(request)
    if let dataset { key?.dataset = dataset }
    return try await run(key, principal, body: body, work: work)
  }

  /// Runs `work` for a request whose body and key have been read.
  func run(
    _ key: IdempotencyKey?, _ principal: Principal, body: Body,
    work: @Sendable (Transaction) async throws -> IdempotentResponse
  ) async throws -> Response {
    let hash = key.map { _ in body.hash } ?? Data()
    return try await limiter.withPermit(for: principal.tenant, bytes: body.bytes.count) {
      try await run(key, principal.tenant, prepare: { _ in ((), bodyHash: hash) }) { tx, _ in
        try await work(tx)
      }
    }
  }

  /// Runs `work` after `prepare`, which reads the body within the transaction and may already write.
  ///
  /// The body's hash identifies the request, so a repetition is detected only after `prepare`; it rolls the transaction back.
  /// A limit of the tenant that ends `prepare` is not asked of a repetition, because what it would add is stored already.
  ///
  /// - Parameters:
  ///   - prepare: returns what `work` needs, and SHA-256 of the body, which may be empty without a key.
  ///   - rest: reads what `prepare` has left of the body and returns SHA-256 of all of it.
  func run<Prepared: Sendable>(
    _ key: IdempotencyKey?, _ tenant: TenantID,
    prepare: @Sendable (Transaction) async throws -> (Prepared, bodyHash: Data),
    rest: (@Sendable () async throws -> Data)? = nil,
    work: @Sendable (Transaction, Prepared) async throws -> IdempotentResponse
  ) async throws -> Response {
    do {
      return try await database.transaction(for: tenant) { tx in
        let (prepared, hash) = try await prepare(tx)
        guard let key else { return try await work(tx, prepared).response }
        let request = key.request(hash)
        if let stored = try await Idempotency.begin(tenant, request, in: tx) { throw Replay(stored: stored) }
        let done = try await work(tx, prepared)
        let result = try await StoredResult(done.replay ?? done.response, of: tenant)
        try await Idempotency.complete(tenant, request, result: result, in: tx)
        return done.response
      }
    } catch let replay as Replay {
      return Response(replaying: replay.stored)
    } catch let refusal as DomainError {
      guard case .quotaExceeded = refusal, let key, let rest,
        let kept = try await Idempotency.kept(tenant, key: key.text, dataset: key.dataset, in: database)
      else { throw refusal }
      return Response(replaying: try kept.result(of: key.request(try await rest())))
    }
  }

  /// Stores the response that a request was given after its transaction, in place of the one that ``run(_:_:body:work:)``
  /// stored, so that a repetition gets the same. Nothing happens without a key.
  func replace(
    _ key: IdempotencyKey?, _ principal: Principal, body: Body, with response: Response
  ) async throws {
    guard let key else { return }
    let request = key.request(body.hash)
    let result = try await StoredResult(response, of: principal.tenant)
    try await database.transaction(for: principal.tenant) { tx in
      try await Idempotency.replace(principal.tenant, request, with: result, in: tx)
    }
  }

  /// Rolls a repeated request back.
  private struct Replay: Error {
    var stored: StoredResult
  }
}

extension Response {
  /// The response that was stored for an earlier request.
  fileprivate init(replaying stored: StoredResult) {
    var headers = HTTPFields()
    for (name, value) in stored.metadata {
      if let name = HTTPField.Name(name) { headers[name] = value }
    }
    headers[.idempotencyReplayed] = "true"
    self.init(
      status: .init(code: stored.code), headers: headers,
      body: .init(byteBuffer: ByteBuffer(bytes: stored.body)))
  }
}

extension StoredResult {
  /// The stored form of a response: its status as the code, its header fields as metadata, its body, whose memory counts as
  /// the tenant's until it is stored.
  ///
  /// - Throws: the errors of `RequestMemory`.
  fileprivate init(_ response: Response, of tenant: TenantID) async throws {
    let collector = BodyCollector(tenant)
    try await response.body.write(collector)
    self.init(
      code: response.status.code,
      metadata: Dictionary(
        response.headers.filter { $0.name != .contentLength }.map { ($0.name.rawName, $0.value) }
      ) { $1 },
      body: collector.data)
  }
}

/// Collects a body, and reserves the memory that it and its statement take.
private final class BodyCollector: ResponseBodyWriter {
  var data = Data()
  private let share: RequestMemory.Reservation

  init(_ tenant: TenantID) { share = RequestMemory.Reservation(for: tenant) }

  func write(_ buffer: ByteBuffer) async throws {
    let count = data.count + buffer.readableBytes
    if count > RequestMemory.small { try share.set(kept: 3 * count) }
    data.append(contentsOf: buffer.readableBytesView)
  }

  func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
