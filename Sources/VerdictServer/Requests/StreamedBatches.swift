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
  /// The memory of the batches that were read ahead.
  private var readyBytes = 0
  private var share: RequestMemory.Reservation?
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
  private(set) var isComplete = false

  /// The bytes of a body that are read before it takes a connection, so that a slow client of a small body holds none.
  private static let ahead = 1 << 20
  /// The bytes of rows that are read before, which a small body can expand to.
  private static let rowsAhead = 2 << 20

  /// Reads the first ``ahead`` bytes, or ``rowsAhead`` bytes of rows.
  ///
  /// - Throws: the errors of ``next()``.
  func readAhead() async throws {
    while received < Self.ahead, readyBytes < Self.rowsAhead, !isComplete,
      let batch = try await read(upTo: Self.ahead)
    {
      ready.append(batch)
      readyBytes += batch.byteCount
      try reserve(received + readyBytes)
    }
  }

  private func reserve(_ count: Int) throws {
    guard count > RequestMemory.small else { return }
    let own = share ?? RequestMemory.Reservation(for: tenant)
    try own.set(count)
    share = own
  }

  func next() async throws -> RowBatch? {
    if !ready.isEmpty { return ready.removeFirst() }
    // The reader counts the rows that it holds itself.
    share = nil
    return try await read(upTo: .max)
  }

  /// The next batch; `nil` at the end, or after `limit` bytes.
  private func read(upTo limit: Int) async throws -> RowBatch? {
    if !isAtEnd, let batch = try reader.more() { return batch }
    while !isAtEnd, received < limit {
      guard let bytes = try await body.next() else {
        isAtEnd = true
        if let hasher { hash = Data(hasher.finalize()) }
        break
      }
      try await revalidator?.check()
      received += bytes.count
      if limit < .max { try reserve(received + readyBytes) }
      hasher?.update(data: bytes)
      if let batch = try reader.feed(bytes) { return batch }
    }
    guard isAtEnd, !isComplete else { return nil }
    let batch = try reader.finish()
    isComplete = batch == nil
    return batch
  }
}
