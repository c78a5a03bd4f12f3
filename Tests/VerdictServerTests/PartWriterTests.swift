import HTTPTypes
import Hummingbird
import NIOCore
import Testing

@testable import VerdictServer

/// Bodies that are written in parts.
@Suite struct PartWriterTests {
  /// Keeps what is written.
  private final class Recorder: ResponseBodyWriter {
    var parts: [ByteBuffer] = []
    var isFinished = false

    func write(_ buffer: ByteBuffer) async throws { parts.append(buffer) }
    func finish(_ trailingHeaders: HTTPFields?) async throws { isFinished = true }
  }

  @Test(arguments: [0, 1, PartWriter.part, PartWriter.part + 1, 3 * PartWriter.part])
  func partsAreTheWholeBody(count: Int) async throws {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let recorder = Recorder()
    try await ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)).write(PartWriter(recorder))
    #expect(recorder.isFinished)
    #expect(recorder.parts.flatMap { Array($0.readableBytesView) } == bytes)
    #expect(recorder.parts.allSatisfy { $0.readableBytes <= PartWriter.part })
    // None keeps the memory of a larger body.
    #expect(recorder.parts.allSatisfy { $0.capacity <= 2 * PartWriter.part })
  }
}
