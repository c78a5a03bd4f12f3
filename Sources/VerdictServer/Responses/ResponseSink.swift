import HTTPTypes
import Hummingbird
import NIOCore
import VerdictCore

/// The writer of a response's body, for closures that escape.
final class ResponseSink: @unchecked Sendable {
  // Sound: only the task that writes the body uses it.
  private var output: any ResponseBodyWriter

  init(_ output: any ResponseBodyWriter) {
    self.output = output
  }

  func write(_ bytes: [UInt8]) async throws {
    try await output.write(ByteBuffer(bytes: bytes))
  }

  func finish() async throws {
    try await output.finish(nil)
  }
}

extension Response {
  /// A response whose body `write` streams while it holds a connection of the database at the client's pace, which
  /// `limiter` bounds.
  ///
  /// - Throws: ``ConnectionLimiter/Full``.
  static func stream(
    _ type: BodyType, for tenant: TenantID, _ limiter: ConnectionLimiter,
    _ write: @escaping @Sendable (ResponseSink) async throws -> Void
  ) async throws -> Response {
    let permit = try await limiter.acquire(.stream, for: tenant)
    let body = ResponseBody { output in
      defer { permit.release() }
      let sink = ResponseSink(output)
      try await write(sink)
      try await sink.finish()
    }
    return Response(status: .ok, headers: [.contentType: type.contentType], body: body)
  }
}
