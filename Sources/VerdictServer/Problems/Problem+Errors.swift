import HTTPTypes
import Hummingbird
import Learning
import Logging
import NIOHTTP1
import PostgreSQL
import RowFormats
import VerdictCore

extension Problem {
  /// Maps an error to a problem. Unexpected errors are logged, and their cause is not sent.
  init(_ error: any Error, logger: Logger) {
    switch error {
    case let problem as Problem: self = problem
    case let error as DomainError: self.init(error)
    case let error as InputProblems:
      self.init(.schemaMismatch, locations: error.problems.map(ErrorLocation.init), count: error.count)
    case let error as SyntaxProblem: self.init(error)
    case let error as ExportRefusal: self.init(.notExportable, error.detail)
    case is PredictionWriter.Overloaded:
      self.init(
        .overloaded, "Too many predictions are waiting to be stored; try again.",
        headers: [.retryAfter: "1"], because: .predictions)
    case is ServedDatasets.Changing:
      self.init(
        .overloaded, "The dataset was changed again and again meanwhile; nothing was stored. Try again.",
        headers: [.retryAfter: "1"], because: .conflict)
    case is ModelTurns.Busy:
      self.init(
        .overloaded, "Too many large models are being read, for this tenant or in total; try again.",
        headers: [.retryAfter: "5"], because: .models)
    case is ModelComparisons.Busy:
      self.init(
        .overloaded, "Too many comparisons of models are running, for this tenant or in total; try again.",
        headers: [.retryAfter: "5"], because: .models)
    case let error as ModelComparisons.TooSlow:
      self.init(
        .overloaded,
        "The fits took more than \(Int(error.limit / .seconds(1))) seconds, and the comparison was ended. Parameters that need that long are compared by a training under the policy best.",
        headers: [.retryAfter: "5"], because: .models)
    case is ConnectionLimiter.Full:
      self.init(
        .overloaded, "Too many long operations are running, for this tenant or in total; try again.",
        headers: [.retryAfter: "5"], because: .permits)
    case is ReadsBusy:
      self.init(
        .overloaded, "Too many long reads of this tenant are waiting; try again.",
        headers: [.retryAfter: "5"], because: .permits)
    case is RequestMemory.Exhausted:
      self.init(
        .overloaded, "The memory for requests is exhausted, for this tenant or in total; try again.",
        headers: [.retryAfter: "1"], because: .memory)
    case let error as RequestMemory.TooLarge:
      self.init(
        .bodyTooLarge,
        "The request needs more than the \(error.limit >> 20) MB of memory that a request may take here; send fewer rows at a time, or lines of NDJSON or CSV, which are read in parts."
      )
    case let error as PostgreSQLError: self.init(error, logger: logger)
    case let error as ReadTimeout:
      logger.warning("read cancelled", metadata: ["error": "\(error.underlying)"])
      self.init(
        .queryTimeout,
        "The database needed more than \(Int(error.limit / .seconds(1))) seconds for a query of this request, and it was cancelled; "
          + "ask for a smaller page or fewer rows.",
        headers: [.retryAfter: "5"])
    case is HTTPParserError:
      self.init(
        .malformedBody, "The body is not valid in the HTTP message: check its chunks and its length.")
    case let error as HTTPError where error.status == .contentTooLarge:
      self.init(.bodyTooLarge, "The body exceeds the limit of this resource.")
    default:
      logger.error("unexpected error", metadata: ["error": "\(String(reflecting: error))"])
      self.init(.internal, Self.internalDetail)
    }
  }

  /// The detail of an internal error. The cause is only in the log.
  static let internalDetail = "Internal error; the server's log has the cause under the request_id."

  private init(_ error: SyntaxProblem) {
    let sentence = "\(error)"
    let detail = sentence.prefix(1).uppercased() + sentence.dropFirst() + "."
    switch error.kind {
    case .tooLarge: self.init(.bodyTooLarge, detail)
    case .outOfMemory: self.init(.overloaded, detail, headers: [.retryAfter: "1"], because: .memory)
    default: self.init(.malformedBody, detail)
    }
    if let line = error.line {
      locations = [ErrorLocation(line: line, detail: error.kind.rawValue)]
      locationCount = 1
    }
  }

  /// Maps an error of the domain to a problem.
  init(_ error: DomainError) {
    switch error {
    case .notFound(let what): self.init(.notFound, "There is no \(what).")
    case .nameTaken(let what): self.init(.datasetExists, "A \(what) already exists.")
    case .stillDeleted(let dataset):
      self.init(
        .overloaded, "The deletion of the earlier dataset \(dataset) has not ended; nothing was changed.",
        headers: [.retryAfter: "1"], because: .conflict)
    case .noModel(let dataset):
      self.init(.noModel, "Dataset \(dataset) has no active model: train one, or promote one of its models.")
    case .belowGate(let refusal): self.init(refusal)
    case .tooFewLabels(let detail):
      self.init(.tooFewLabels, detail.prefix(1).uppercased() + detail.dropFirst() + ".")
    case .modelActive(let version):
      self.init(
        .modelActive, "Model \(version) is active; promote another version before deleting it.")
    case .jobFinished(let id, let state):
      self.init(.jobFinished, "Training job \(id) has already ended: \(state).")
    case .quotaExceeded(let quota, let maximum, let present):
      self.init(
        .quotaExceeded,
        "The tenant may have \(maximum) \(quota.noun) and has \(present).")
      extensions = [
        .string("limit", quota.rawValue), .integer("maximum", maximum), .integer("present", present),
      ]
    case .invalid(let problems): self.init(.invalidBody, locations: problems.map(ErrorLocation.init))
    case .tenantErased: self = Authenticator.unknownKey
    case .idempotencyKeyReused:
      self.init(.idempotencyKeyReused, "This Idempotency-Key was used before with a different request.")
    case .answerErased:
      self.init(
        .answerErased,
        "The request with this Idempotency-Key was carried out, and an erasure has removed its answer. Send it under a new key only if its rows are to be stored again."
      )
    case .idempotencyKeyInUse:
      self.init(
        .idempotencyKeyInUse, "Another request with this Idempotency-Key is still in progress.",
        headers: [.retryAfter: "1"])
    }
  }
}
