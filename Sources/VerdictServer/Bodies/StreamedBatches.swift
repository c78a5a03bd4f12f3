import Crypto
import Foundation
import Hummingbird
import VerdictCore

/// The rows of a body that is read as a stream, batch after batch.
final class StreamedBatches: BatchSource, @unchecked Sendable {
  // Sound: used by the one task that answers the request.
  private var body: BodyStream
  private let reader: any LabelStreamReader
  private var hasher: SHA256?
  private var isAtEnd = false
  private(set) var hash = Data()
  var skipped: SkippedRows { reader.skipped }

  /// - Parameter hashing: whether ``hash`` will be asked for.
  /// - Throws: ``Problem`` for a coding that is not known.
  init(_ request: Request, _ reader: any LabelStreamReader, hashing: Bool) throws {
    body = try BodyStream(request, limit: BodyLimits.stream)
    self.reader = reader
    hasher = hashing ? SHA256() : nil
  }

  func next() async throws -> RowBatch? {
    while !isAtEnd {
      guard let bytes = try await body.next() else {
        isAtEnd = true
        if let hasher { hash = Data(hasher.finalize()) }
        return try reader.finish()
      }
      hasher?.update(data: bytes)
      if let batch = try reader.feed(bytes) { return batch }
    }
    return nil
  }
}
