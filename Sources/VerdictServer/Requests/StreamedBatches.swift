import Crypto
import Foundation
import Hummingbird
import RowFormats
import VerdictCore

/// The rows of a body that is read as a stream, batch after batch.
final class StreamedBatches: BatchSource, @unchecked Sendable {
  // Sound: used by the one task that answers the request.
  private var body: BodyStream
  private let tenant: TenantID
  private let reader: any LabelStreamReader
  private var hasher: SHA256?
  private var isAtEnd = false
  /// Batches that were read ahead.
  private var ready: [RowBatch] = []
  private var received = 0
  private var share: BodyMemory.Share?
  /// Asked with each piece of the body that is read after those ahead, while a connection is held.
  var revalidator: KeyRevalidator?
  private(set) var hash = Data()
  var skipped: SkippedRows { reader.skipped }

  /// - Parameter hashing: whether ``hash`` will be asked for.
  /// - Throws: ``Problem`` for a coding that is not known.
  init(_ request: Request, of tenant: TenantID, _ reader: any LabelStreamReader, hashing: Bool) throws {
    self.tenant = tenant
    body = try BodyStream(request, limit: BodyLimits.stream)
    self.reader = reader
    hasher = hashing ? SHA256() : nil
  }

  /// Whether the whole body has come.
  var isComplete: Bool { isAtEnd }

  /// How many bytes of a body are read before it needs a connection: all of a small one, however slowly it comes.
  private static let ahead = 1 << 20

  /// Reads ahead.
  ///
  /// - Throws: what ``next()`` throws, and ``BodyMemory/Exhausted``.
  func readAhead() async throws {
    while received < Self.ahead, !isAtEnd, let batch = try await read(upTo: Self.ahead) {
      ready.append(batch)
    }
  }

  func next() async throws -> RowBatch? {
    if !ready.isEmpty { return ready.removeFirst() }
    share = nil
    return try await read(upTo: .max)
  }

  /// The next batch; `nil` at the end, or when so many bytes have come.
  private func read(upTo limit: Int) async throws -> RowBatch? {
    while !isAtEnd, received < limit {
      guard let bytes = try await body.next() else {
        isAtEnd = true
        if let hasher { hash = Data(hasher.finalize()) }
        return try reader.finish()
      }
      try await revalidator?.check()
      received += bytes.count
      if limit < .max, received > BodyMemory.small {
        let own = share ?? BodyMemory.Share(for: tenant)
        try own.grow(to: received)
        share = own
      }
      hasher?.update(data: bytes)
      if let batch = try reader.feed(bytes) { return batch }
    }
    return nil
  }
}
