import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import PostgreSQL
import RowFormats
import VerdictCore

/// `POST /v1/datasets/{dataset}/labels`: a batch as JSON, NDJSON or CSV: all of it or nothing, or, by
/// `on_error=skip`, the rows that fit.
struct LabelPosting {
  let services: AppServices

  @Sendable func post(_ request: Request, _ context: Context, _ principal: Principal) async throws -> Response
  {
    let name = try context.dataset()
    let type = try BodyType.of(request, accepted: [.json, .ndjson, .csv])
    let options: Set = type == .csv ? ["key_column", "delimiter", "ignore", "keep"] : []
    let query = try QueryParameters(request, known: options.union(["on_error"]))
    let onError = try Self.onError(query)
    let repeatable = try AppServices.idempotentRequest(request, bodyHash: Data())
    let dataset = try await services.ingest.dataset(principal.tenant, named: name)
    let schema = dataset.schema
    let reader: any LabelStreamReader
    switch type {
    case .csv:
      let format = try CSVOptions.format(query, dataset)
      reader = CSVLabelReader(schema: schema, format: format, onError: onError)
    case .ndjson: reader = NDJSONLabelReader(schema: schema, onError: onError)
    default:
      // Read whole and understood before a connection is taken.
      let body = try await Body.read(
        request, of: principal.tenant, accepted: [.json], limit: BodyLimits.batch)
      let reader = JSONLabelReader(schema: schema)
      let (rows, skipped) =
        switch onError {
        case .fail: (try reader.read(body.bytes), SkippedRows.none)
        case .skip: try reader.readSkipping(body.bytes.span.bytes)
        }
      let source = WholeBatch(
        rows, skipped, hash: repeatable.map { _ in body.hash }, share: body.share)
      return try await services.withPermit(principal.tenant, bytes: body.bytes.count) {
        try await store(source, onError, principal, dataset, repeatable)
      }
    }
    // A small body, however slowly it comes, has come before a connection is taken. The client of a large one holds a
    // connection at its own pace: there may be so many of those, each while its key is good.
    let source = try StreamedBatches(request, of: principal.tenant, reader, hashing: repeatable != nil)
    let revalidator = context.keyRevalidator(request)
    try await source.readAhead()
    try await revalidator.check()
    if source.isComplete { return try await store(source, onError, principal, dataset, repeatable) }
    source.revalidator = revalidator
    let permit = try await services.connectionLimiter.take(.stream, for: principal.tenant)
    defer { permit.leave() }
    return try await store(source, onError, principal, dataset, repeatable, revalidator: revalidator)
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
    _ repeatable: IdempotentRequest?, revalidator: KeyRevalidator? = nil
  ) async throws -> Response {
    do {
      return try await services.database.transaction(for: principal.tenant) { tx in
        let staged = try await services.ingest.stage(in: tx, principal.tenant, dataset: dataset) {
          try await source.next()
        }
        try await revalidator?.check()
        var repeatable = repeatable
        repeatable?.bodyHash = source.hash
        if let repeatable, let earlier = try await Idempotency.begin(principal.tenant, repeatable, in: tx) {
          throw Repeated(answer: earlier)
        }
        let outcome = try await services.ingest.insert(staged, principal.tenant, dataset: dataset, in: tx)
        let skipped = onError == .skip ? source.skipped : nil
        let answer = Response.json(.created) { $0.outcome(outcome, skipped) }
        if let repeatable {
          try await Idempotency.complete(
            principal.tenant, repeatable, answer: try await StoredAnswer(answer), in: tx)
        }
        return answer
      }
    } catch let repeated as Repeated {
      return Response(replaying: repeated.answer)
    }
  }

  /// Rolls back the rows of a request that was answered before: its body had to be read to know it by its hash.
  private struct Repeated: Error {
    var answer: StoredAnswer
  }
}

/// Where the rows of a request come from, batch after batch.
protocol BatchSource: Sendable {
  /// The next rows; `nil` at the end.
  func next() async throws -> RowBatch?
  /// SHA-256 of the body, once all rows have come; empty when nobody asked for it.
  var hash: Data { get }
  /// The rows left out, once all have come.
  var skipped: SkippedRows { get }
}

/// A body that is one batch.
private final class WholeBatch: BatchSource, @unchecked Sendable {
  // Sound: used by the one task that answers the request.
  private var batch: RowBatch?
  let hash: Data
  let skipped: SkippedRows
  /// The rows take about as much memory as their text did.
  private let share: BodyMemory.Share?

  init(_ batch: RowBatch, _ skipped: SkippedRows, hash: Data?, share: BodyMemory.Share?) {
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
  fileprivate mutating func outcome(_ outcome: LabelIngest.Outcome, _ skipped: SkippedRows?) {
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
    }
  }
}
