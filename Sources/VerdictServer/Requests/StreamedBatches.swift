import Crypto
import Foundation
import Hummingbird
import RowFormats
import VerdictCore

/// The rows of a body that is read as a stream, batch by batch.
final class StreamedBatches: BatchSource, @unchecked Sendable {
  // Sound: only the task that answers the request uses it.
  private var body: BodyStream
  private let tenant: TenantID
  private let reader: any LabelStreamReader
  private var hasher: SHA256?
  private var isAtEnd = false
  /// The batches that were read ahead.
  private var ready: [RowBatch] = []
  private var received = 0
  private var share: BodyMemory.Reservation?
  /// Checked with each piece of the body that is read while a connection is held.
  var revalidator: KeyRevalidator?
  private(set) var hash = Data()
  var skipped: SkippedRows { reader.skipped }

  /// - Parameter hashing: whether to compute ``hash``.
  /// - Throws: ``Problem`` for an unknown coding.
  init(_ request: Request, of tenant: TenantID, _ reader: any LabelStreamReader, hashing: Bool) throws {
    self.tenant = tenant
    body = try BodyStream(request, limit: BodyLimits.stream)
    self.reader = reader
    hasher = hashing ? SHA256() : nil
  }

  /// Whether the whole body has been read.
  var isComplete: Bool { isAtEnd }

  /// The bytes of a body that are read before it takes a connection, so that a slow client of a small body holds none.
  private static let ahead = 1 << 20

  /// Reads the first ``ahead`` bytes.
  ///
  /// - Throws: the errors of ``next()``, and ``BodyMemory/Exhausted``.
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

  /// The next batch; `nil` at the end, or after `limit` bytes.
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
        let own = share ?? BodyMemory.Reservation(for: tenant)
        try own.grow(to: received)
        share = own
      }
      hasher?.update(data: bytes)
      if let batch = try reader.feed(bytes) { return batch }
    }
    return nil
  }
}
