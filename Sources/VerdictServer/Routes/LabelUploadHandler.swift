import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import RowFormats
import VerdictCore

/// `POST /v1/datasets/{dataset}/labels`: stores a batch as JSON, NDJSON or CSV: all of it or nothing or, with
/// `on_error=skip`, the valid rows.
struct LabelUploadHandler {
  let datasets: DatasetStore
  let ingest: LabelIngest
  let limiter: ConnectionLimiter
  let idempotency: IdempotentExecutor

  @Sendable func post(_ request: Request, _ context: Context, _ principal: Principal) async throws -> Response
  {
    let name = try context.dataset()
    let type = try BodyType.of(request, accepted: [.json, .ndjson, .csv])
    let options = type == .csv ? CSVOptions.labelled : []
    let query = try QueryParameters(request, known: options.union(["on_error"]))
    let onError = try Self.onError(query)
    let key = try IdempotencyKey(request)
    let dataset = try await datasets.dataset(principal.tenant, named: name)
    let schema = dataset.schema
    let reader: any LabelStreamReader
    let share = RequestMemory.Reservation(for: principal.tenant)
    // The batch that is stored, and the next one with its buffers.
    let limits = RowLimits { try share.set(3 * $0) }
    switch type {
    case .csv:
      let format = try CSVOptions.labels(query, of: dataset)
      reader = CSVLabelReader(schema: schema, format: format, onError: onError, rowLimits: limits)
    case .ndjson: reader = NDJSONLabelReader(schema: schema, onError: onError, rowLimits: limits)
    default:
      // The body is read and parsed before a connection is taken.
      let body = try await Body.read(
        request, of: principal.tenant, accepted: [.json], limit: BodyLimits.batch)
      let share = body.reservation(for: principal.tenant)
      let (rows, skipped) = try body.rows(in: share) { limits in
        let reader = JSONLabelReader(schema: schema, limits: limits)
        let (rows, skipped) =
          switch onError {
          case .fail: (try reader.read(body.bytes), SkippedRows.none)
          case .skip: try reader.readSkipping(body.bytes.span.bytes)
          }
        return ((rows, skipped), rows.byteCount)
      }
      let source = SingleBatch(rows, skipped, hash: key.map { _ in body.hash }, share: share)
      let size = max(body.bytes.count, rows.byteCount)
      return try await limiter.withPermit(for: principal.tenant, bytes: size) {
        try await store(source, onError, principal, dataset, key)
      }
    }
    // A small body is complete before a connection is taken. The client of a large one holds a connection at its own pace:
    // the limiter bounds those, and each ends when its API key is revoked.
    let source = try StreamedBatches(request, of: principal.tenant, reader, hashing: key != nil)
    let revalidator = context.keyRevalidator(request)
    try await source.readAhead()
    try await revalidator.check()
    if source.isComplete { return try await store(source, onError, principal, dataset, key) }
    source.revalidator = revalidator
    let permit = try await limiter.acquire(.stream, for: principal.tenant)
    defer { permit.release() }
    return try await store(source, onError, principal, dataset, key, revalidator: revalidator)
  }

  private static func onError(_ query: QueryParameters) throws -> RowErrorPolicy {
    guard let text = query["on_error"] else { return .fail }
    guard let policy = RowErrorPolicy(rawValue: text) else {
      throw QueryParameters.refusal("on_error", "must be fail or skip")
    }
    return policy
  }

  private func store(
    _ source: any BatchSource, _ onError: RowErrorPolicy, _ principal: Principal, _ dataset: Dataset,
    _ key: IdempotencyKey?, revalidator: KeyRevalidator? = nil
  ) async throws -> Response {
    try await idempotency.run(key, principal.tenant) { tx in
      let staged = try await ingest.stage(in: tx, principal.tenant, dataset: dataset) {
        try await source.next()
      }
      try await revalidator?.check()
      return (staged, bodyHash: source.hash)
    } rest: {
      while try await source.next() != nil {}
      return source.hash
    } work: { tx, staged in
      let outcome = try await ingest.insert(staged, principal.tenant, dataset: dataset, in: tx)
      let skipped = onError == .skip ? source.skipped : nil
      return IdempotentResponse(.json(.created) { $0.outcome(outcome, skipped, dataset.label.words) })
    }
  }
}

/// The rows of a request in batches.
protocol BatchSource: Sendable {
  /// The next rows; `nil` at the end.
  func next() async throws -> RowBatch?
  /// SHA-256 of the body, after its end; empty without an Idempotency-Key.
  var hash: Data { get }
  /// The skipped rows, after the end of the body.
  var skipped: SkippedRows { get }
}

/// A body that forms a single batch.
private final class SingleBatch: BatchSource, @unchecked Sendable {
  // Sound: only the task that answers the request uses it.
  private var batch: RowBatch?
  let hash: Data
  let skipped: SkippedRows
  /// The reservation of the body and its rows.
  private let share: RequestMemory.Reservation

  init(_ batch: RowBatch, _ skipped: SkippedRows, hash: Data?, share: RequestMemory.Reservation) {
    self.share = share
    self.batch = batch
    self.skipped = skipped
    self.hash = hash ?? Data()
  }

  func next() async throws -> RowBatch? {
    defer { batch = nil }
    return batch
  }
}

extension JSONWriter {
  fileprivate mutating func outcome(
    _ outcome: LabelIngest.Outcome, _ skipped: SkippedRows?, _ words: OutcomeWords
  ) {
    object { json in
      json.name("inserted")
      json.integer(outcome.inserted)
      json.name("updated")
      json.integer(outcome.updated)
      if let skipped {
        json.name("skipped")
        json.integer(skipped.count)
        json.name("errors")
        json.array(skipped.problems.problems) { ErrorLocation($1).write(to: &$0) }
        json.name("errors_total")
        json.integer(skipped.problems.count)
      }
      json.name("labels_stored")
      json.integer(outcome.labelsStored)
      json.name("training_job")
      json.optional(outcome.trainingJob) { $0.integer($1) }
      json.warnings(of: words)
    }
  }
}
