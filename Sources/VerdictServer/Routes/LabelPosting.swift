import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import PostgreSQL
import VerdictCore

/// `POST /v1/datasets/{dataset}/labels`: a batch as JSON, NDJSON or CSV, all of it or nothing.
struct LabelPosting {
  let domain: Domain

  @Sendable func post(_ request: Request, _ context: Context, _ who: Principal) async throws -> Response {
    let name = try context.dataset()
    let type = try BodyType.of(request, accepted: [.json, .ndjson, .csv])
    let query = try QueryParameters(
      request, known: type == .csv ? ["key_column", "delimiter", "ignore", "keep"] : [])
    let repeatable = try Domain.idempotentRequest(request, bodyHash: Data())
    let dataset = try await domain.ingest.dataset(who.tenant, named: name)
    let schema = dataset.schema
    let source: any BatchSource
    switch type {
    case .csv:
      let format = try CSVOptions.format(query, dataset)
      source = try StreamedBatches(
        request, CSVLabelReader(schema: schema, format: format), hashing: repeatable != nil)
    case .ndjson:
      source = try StreamedBatches(request, NDJSONLabelReader(schema: schema), hashing: repeatable != nil)
    default:
      // Read whole and understood before a connection is taken.
      let body = try await Body.read(request, accepted: [.json], limit: BodyLimits.batch)
      source = WholeBatch(
        try JSONLabelReader(schema: schema).read(body.bytes), hash: repeatable.map { _ in body.hash })
    }
    return try await store(source, who, dataset, repeatable)
  }

  private func store(
    _ source: any BatchSource, _ who: Principal, _ dataset: Dataset, _ repeatable: IdempotentRequest?
  ) async throws -> Response {
    do {
      return try await domain.database.transaction(for: who.tenant) { tx in
        let staged = try await domain.ingest.stage(in: tx, who.tenant, dataset: dataset) {
          try await source.next()
        }
        var repeatable = repeatable
        repeatable?.bodyHash = source.hash
        if let repeatable, let earlier = try await Idempotency.begin(who.tenant, repeatable, in: tx) {
          throw Repeated(answer: earlier)
        }
        let outcome = try await domain.ingest.insert(staged, who.tenant, dataset: dataset, in: tx)
        let answer = Response.json(.created) { $0.outcome(outcome) }
        if let repeatable {
          try await Idempotency.complete(
            who.tenant, repeatable, answer: try await StoredAnswer(answer), in: tx)
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
}

/// A body that is one batch.
private final class WholeBatch: BatchSource, @unchecked Sendable {
  // Sound: used by the one task that answers the request.
  private var batch: RowBatch?
  let hash: Data

  init(_ batch: RowBatch, hash: Data?) {
    self.batch = batch
    self.hash = hash ?? Data()
  }

  func next() async throws -> RowBatch? {
    defer { batch = nil }
    return batch
  }
}

extension JSONWriter {
  fileprivate mutating func outcome(_ outcome: LabelIngest.Outcome) {
    object { json in
      json.name("inserted")
      json.integer(outcome.inserted)
      json.name("updated")
      json.integer(outcome.updated)
      json.name("labels_stored")
      json.integer(outcome.labelsStored)
      json.name("training_job")
      json.optional(outcome.trainingJob) { $0.integer($1) }
    }
  }
}
