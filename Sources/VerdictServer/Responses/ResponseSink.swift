import Hummingbird
import NIOCore

/// The answer's body, for a closure that is handed on.
final class ResponseSink: @unchecked Sendable {
  // Sound: used by the one task that writes the answer.
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
