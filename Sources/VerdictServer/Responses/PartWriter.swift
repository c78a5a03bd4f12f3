import HTTPTypes
import Hummingbird
import NIOCore

/// Writes a large body in parts, so that a body that waits for a slow client waits in its writer, where its memory counts.
///
/// A connection accepts a buffer of any size while its own buffer has room, and keeps it until the client has read it. The parts are
/// copies, because a slice would keep the whole buffer.
struct PartWriter: ResponseBodyWriter {
  /// The size of a part in bytes.
  static let part = 256 << 10

  private var output: any ResponseBodyWriter

  /// Writes to `output`.
  init(_ output: any ResponseBodyWriter) {
    self.output = output
  }

  mutating func write(_ buffer: ByteBuffer) async throws {
    var rest = buffer
    while rest.readableBytes > Self.part, let part = rest.readSlice(length: Self.part) {
      try await output.write(ByteBuffer(bytes: part.readableBytesView))
    }
    try await output.write(
      rest.readerIndex == buffer.readerIndex ? rest : ByteBuffer(bytes: rest.readableBytesView))
  }

  consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
    try await output.finish(trailingHeaders)
  }
}
