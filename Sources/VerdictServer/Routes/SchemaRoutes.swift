import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import RowFormats
import VerdictCore

/// `/v1/schemas/infer`.
struct SchemaRoutes {
  let idempotency: IdempotentExecutor

  func add(to api: API) {
    api.on(.post, "/v1/schemas/infer", role: .write, isBulk: true, infer)
  }

  @Sendable private func infer(_ request: Request, _ context: Context, _ principal: Principal) async throws
    -> Response
  {
    let type = try BodyType.of(request, accepted: [.csv, .ndjson])
    let key = try IdempotencyKey(request)
    let options = try Self.options(request, type)
    var hasher = key.map { _ in SHA256() }
    let revalidator = context.keyRevalidator(request)
    let inference = SchemaInference(options)
    let share = RequestMemory.Reservation(for: principal.tenant)
    func reserve(_ count: Int) throws {
      if count > RequestMemory.small || share.count > 0 { try share.set(count) }
    }
    var body = try BodyStream(request, limit: BodyLimits.inference)
    var received = 0
    do {
      while let piece = try await body.next() {
        try await revalidator.check()
        hasher?.update(data: piece)
        // The rest of a longer file is read and dropped, so that every client gets to the response.
        let wanted = min(piece.count, BodyLimits.inferenceSample - received)
        received += piece.count
        var rest = piece[..<max(0, wanted)]
        while !rest.isEmpty {
          let part = Array(rest.prefix(Self.part))
          rest = rest.dropFirst(part.count)
          try reserve(inference.byteCount + part.count * SchemaInference.bytesPerByte)
          try inference.read(part)
        }
      }
      let schema = try inference.finish(isCut: received > BodyLimits.inferenceSample)
      try reserve(inference.byteCount + schema.answerBytes)
      let response = Response.json { $0.schema(schema) }
      try reserve(response.body.contentLength ?? schema.answerBytes)
      // Without a key, the response depends on no database.
      guard let key, let hasher else { return response.holding(share) }
      let hash = Data(hasher.finalize())
      return try await idempotency.run(key, principal.tenant, prepare: { _ in ((), bodyHash: hash) }) {
        _, _ in
        IdempotentResponse(response)
      }
    } catch let error as InputProblems {
      // There is no dataset that the rows could fail to fit.
      throw Problem(.invalidBody, locations: error.problems.map(ErrorLocation.init), count: error.count)
    }
  }

  /// The bytes that are read at once, before more memory is reserved.
  private static let part = 16 << 10

  private static func options(_ request: Request, _ type: BodyType) throws -> InferenceOptions {
    var known: Set = ["label", "name", "missing", "trim", "categories"]
    if type == .csv { known.formUnion(["delimiter", "decimal"]) }
    let query = try QueryParameters(request, known: known)
    guard let label = query["label"] else {
      throw QueryParameters.refusal("label", "is missing: it names the column of the outcome")
    }
    if let objection = TextRule.name(atMost: 128).objection(to: label) {
      throw QueryParameters.refusal("label", objection)
    }
    let delimiter = try query["delimiter"].map(CSVOptions.delimiter)
    var options = InferenceOptions(format: type == .csv ? .csv(delimiter: delimiter) : .ndjson, label: label)
    if let name = query["name"] {
      if let objection = TextRule.slug.objection(to: name) {
        throw QueryParameters.refusal("name", objection)
      }
      options.name = name
    }
    options.missing = try CSVOptions.missing(query)
    options.hasDecimalComma = try CSVOptions.hasDecimalComma(query, delimiter: delimiter)
    options.trimsNames = try query.bool("trim") ?? false
    switch query["categories"] {
    case nil, "open": break
    case "closed": options.closesCategories = true
    default: throw QueryParameters.refusal("categories", "must be open or closed")
    }
    return options
  }
}

extension InferredSchema {
  /// An upper bound of the size of the answer in bytes; a character has at most six in JSON.
  fileprivate var answerBytes: Int {
    let listed = features.reduce(0) { size, feature in
      size + (feature.categories?.reduce(0) { $0 + 6 * $1.utf8.count + 3 } ?? 0)
    }
    return columns.reduce(16_384 + listed) { size, column in
      size + 4_096 + 18 * column.name.utf8.count + column.top.reduce(0) { $0 + 6 * $1.value.utf8.count + 64 }
    }
  }
}
