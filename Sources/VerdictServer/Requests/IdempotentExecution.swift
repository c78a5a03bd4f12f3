import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import PostgreSQL
import VerdictCore

extension AppServices {
  /// Does the work of a POST in one transaction; under an Idempotency-Key at most once, the answer being kept in the
  /// same transaction and given again to a repeat.
  func once(
    _ request: Request, _ principal: Principal, body: Body,
    work: @Sendable (Transaction) async throws -> Response
  ) async throws -> Response {
    try await once(request, principal, body: body) { tx in
      let answer = try await work(tx)
      return (answer: answer, kept: answer)
    }
  }

  /// The same for an answer that must not be kept as it is.
  func once(
    _ request: Request, _ principal: Principal, body: Body,
    work: @Sendable (Transaction) async throws -> (answer: Response, kept: Response)
  ) async throws -> Response {
    let repeatable = try Self.idempotentRequest(request, bodyHash: body.hash)
    return try await withPermit(principal.tenant, bytes: body.bytes.count) {
      try await database.transaction(for: principal.tenant) { tx in
        guard let repeatable else { return try await work(tx).answer }
        if let earlier = try await Idempotency.begin(principal.tenant, repeatable, in: tx) {
          return Response(replaying: earlier)
        }
        let (answer, kept) = try await work(tx)
        try await Idempotency.complete(
          principal.tenant, repeatable, answer: try await StoredAnswer(kept), in: tx)
        return answer
      }
    }
  }

  /// What a request asks for under its Idempotency-Key; `nil` without one.
  ///
  /// - Throws: ``Problem`` of kind `invalid-parameter` for a key that is none.
  static func idempotentRequest(_ request: Request, bodyHash: @autoclosure () -> Data) throws
    -> IdempotentRequest?
  {
    let keys = request.headers[values: .idempotencyKey]
    guard let key = keys.first else { return nil }
    guard keys.count == 1, (1...255).contains(key.utf8.count),
      key.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
    else {
      throw QueryParameters.refusal(
        "Idempotency-Key", "must be 1 to 255 printable ASCII characters, given once")
    }
    return IdempotentRequest(key: key, operation: "\(request.method) \(request.uri)", bodyHash: bodyHash())
  }
}

extension Response {
  /// An answer that was given before.
  init(replaying stored: StoredAnswer) {
    var headers = HTTPFields()
    for (name, value) in stored.headers {
      if let name = HTTPField.Name(name) { headers[name] = value }
    }
    headers[.idempotencyReplayed] = "true"
    self.init(
      status: .init(code: stored.status), headers: headers,
      body: .init(byteBuffer: ByteBuffer(bytes: stored.body)))
  }
}

extension StoredAnswer {
  /// What is kept of an answer, whose body must be in memory.
  init(_ response: Response) async throws {
    let collector = BodyCollector()
    try await response.body.write(collector)
    self.init(
      status: response.status.code,
      headers: Dictionary(
        response.headers.filter { $0.name != .contentLength }.map { ($0.name.rawName, $0.value) }
      ) { $1 },
      body: collector.data)
  }
}

/// Takes a body that is in memory already.
private final class BodyCollector: ResponseBodyWriter {
  var data = Data()

  func write(_ buffer: ByteBuffer) async throws {
    data.append(contentsOf: buffer.readableBytesView)
  }

  func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
