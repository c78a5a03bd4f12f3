import HTTPTypes

/// The kinds of problem, each with a stable `type`. docs/errors.md describes them.
enum ProblemKind: String, CaseIterable, Sendable {
  case malformedBody = "malformed-body"
  case invalidParameter = "invalid-parameter"
  case unauthorized
  case forbidden
  case quotaExceeded = "quota-exceeded"
  case notFound = "not-found"
  case methodNotAllowed = "method-not-allowed"
  case notAcceptable = "not-acceptable"
  case datasetExists = "dataset-exists"
  case noModel = "no-model"
  case modelBelowGate = "model-below-gate"
  case tooFewLabels = "too-few-labels"
  case modelActive = "model-active"
  case jobFinished = "job-finished"
  case notExportable = "not-exportable"
  case idempotencyKeyInUse = "idempotency-key-in-use"
  case answerErased = "answer-erased"
  case preconditionFailed = "precondition-failed"
  case bodyTooLarge = "body-too-large"
  case unsupportedMediaType = "unsupported-media-type"
  case expectationFailed = "expectation-failed"
  case schemaMismatch = "schema-mismatch"
  case invalidBody = "invalid-body"
  case idempotencyKeyReused = "idempotency-key-reused"
  case tooManyRequests = "too-many-requests"
  case `internal`
  case notImplemented = "not-implemented"
  case databaseUnavailable = "database-unavailable"
  case databaseReadOnly = "database-read-only"
  case queryTimeout = "query-timeout"
  case overloaded

  /// The URI reference of the kind (RFC 9457, section 3.1.1).
  var type: String { "/problems/\(rawValue)" }

  /// The HTTP status of the kind.
  var status: HTTPResponse.Status {
    switch self {
    case .malformedBody, .invalidParameter: .badRequest
    case .unauthorized: .unauthorized
    case .forbidden, .quotaExceeded: .forbidden
    case .notFound: .notFound
    case .methodNotAllowed: .methodNotAllowed
    case .notAcceptable: .notAcceptable
    case .datasetExists, .noModel, .modelBelowGate, .tooFewLabels, .modelActive, .jobFinished,
      .notExportable, .idempotencyKeyInUse, .answerErased:
      .conflict
    case .preconditionFailed: .preconditionFailed
    case .bodyTooLarge: .contentTooLarge
    case .unsupportedMediaType: .unsupportedMediaType
    case .expectationFailed: .expectationFailed
    case .schemaMismatch, .invalidBody, .idempotencyKeyReused: .unprocessableContent
    case .tooManyRequests: .tooManyRequests
    case .internal: .internalServerError
    case .notImplemented: .notImplemented
    case .databaseUnavailable, .databaseReadOnly, .queryTimeout, .overloaded: .serviceUnavailable
    }
  }

  /// The title of the kind, as docs/errors.md lists it.
  var title: String {
    switch self {
    case .malformedBody: "Malformed body"
    case .invalidParameter: "Invalid parameter"
    case .unauthorized: "Unauthorized"
    case .forbidden: "Forbidden"
    case .quotaExceeded: "Quota exceeded"
    case .notFound: "Not found"
    case .methodNotAllowed: "Method not allowed"
    case .notAcceptable: "Not acceptable"
    case .datasetExists: "Dataset exists"
    case .noModel: "No model"
    case .modelBelowGate: "Model below its gate"
    case .tooFewLabels: "Too few labels"
    case .modelActive: "Model is active"
    case .jobFinished: "Job finished"
    case .notExportable: "Model not exportable"
    case .idempotencyKeyInUse: "Idempotency key in use"
    case .answerErased: "Answer erased"
    case .preconditionFailed: "Precondition failed"
    case .bodyTooLarge: "Body too large"
    case .unsupportedMediaType: "Unsupported media type"
    case .expectationFailed: "Expectation failed"
    case .schemaMismatch: "Rows do not fit the dataset"
    case .invalidBody: "Invalid body"
    case .idempotencyKeyReused: "Idempotency key reused"
    case .tooManyRequests: "Too many requests"
    case .internal: "Internal error"
    case .notImplemented: "Not implemented"
    case .databaseUnavailable: "Database unavailable"
    case .databaseReadOnly: "Database is read-only"
    case .queryTimeout: "Query timeout"
    case .overloaded: "Overloaded"
    }
  }
}
