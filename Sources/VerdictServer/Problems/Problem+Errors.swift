import HTTPTypes
import Hummingbird
import Learning
import Logging
import NIOHTTP1
import PostgreSQL
import RowFormats
import VerdictCore

extension Problem {
  /// The problem that an error is for a client. What it does not have to know goes to the log instead.
  init(_ error: any Error, logger: Logger) {
    switch error {
    case let problem as Problem: self = problem
    case let error as DomainError: self.init(error)
    case let error as InputProblems:
      self.init(.schemaMismatch, locations: error.problems.map(ErrorLocation.init), count: error.count)
    case let error as SyntaxProblem: self.init(error)
    case let error as PredictionRefusal:
      let pointer = JSONObjectReader.child("/features", error.feature)
      self.init(
        .schemaMismatch, locations: [ErrorLocation(pointer: pointer, detail: PredictionRefusal.detail)])
    case is PredictionWriter.Overloaded:
      self.init(
        .overloaded, "The server has more predictions to store than it can; try again.",
        headers: [.retryAfter: "1"])
    case is ConnectionLimiter.Full:
      self.init(
        .overloaded, "Too much that takes long is under way, for this tenant or for all; try again.",
        headers: [.retryAfter: "5"])
    case is BodyMemory.Exhausted:
      self.init(
        .overloaded, "The server holds as many bodies of requests in memory as it can; try again.",
        headers: [.retryAfter: "1"])
    case let error as PostgreSQLError: self.init(error, logger: logger)
    case is HTTPParserError:
      self.init(
        .malformedBody, "The body is broken as a part of an HTTP message: see its chunks and its length.")
    case let error as HTTPError where error.status == .contentTooLarge:
      self.init(.bodyTooLarge, "The body is larger than this resource takes.")
    default:
      logger.error("unexpected error", metadata: ["error": "\(String(reflecting: error))"])
      self.init(.internal, "The server made a mistake; it is in its log under the request_id.")
    }
  }

  private init(_ error: SyntaxProblem) {
    let sentence = "\(error)"
    let detail = sentence.prefix(1).uppercased() + sentence.dropFirst() + "."
    switch error.kind {
    case .tooLarge: self.init(.bodyTooLarge, detail)
    case .outOfMemory: self.init(.overloaded, detail, headers: [.retryAfter: "1"])
    default: self.init(.malformedBody, detail)
    }
    if let line = error.line {
      locations = [ErrorLocation(line: line, detail: error.kind.rawValue)]
      locationCount = 1
    }
  }

  init(_ error: DomainError) {
    switch error {
    case .notFound(let what): self.init(.notFound, "There is no \(what).")
    case .nameTaken(let what): self.init(.datasetExists, "There is a \(what) already.")
    case .noModel(let dataset):
      self.init(.noModel, "Dataset \(dataset) has no model yet: train one.")
    case .belowGate(let metric, let value, let minimum, let version, let labels):
      let location = labels.map { " on \($0) labelled predictions" } ?? ""
      let bound = metric.isLowerBetter ? "at most" : "at least"
      self.init(
        .modelBelowGate,
        "Model \(version) has \(metric.rawValue) \(value.map { "\($0)" } ?? "undefined")\(location); the dataset's gate asks for \(bound) \(minimum)."
      )
      extensions = [
        .string("metric", metric.rawValue), .number("value", value), .number("minimum", minimum),
        .integer("model_version", version),
        .string("source", (labels == nil ? Gate.Source.validation : .live).rawValue),
      ]
      if let labels { extensions.append(.integer("labels", labels)) }
    case .tooFewLabels(let detail):
      self.init(.tooFewLabels, detail.prefix(1).uppercased() + detail.dropFirst() + ".")
    case .modelActive(let version):
      self.init(
        .modelActive, "Model \(version) is the active one; promote another version before deleting it.")
    case .jobFinished(let id, let state):
      self.init(.jobFinished, "Training job \(id) has ended already: \(state).")
    case .quotaExceeded(let quota, let maximum, let present):
      self.init(
        .quotaExceeded,
        "The tenant may have \(maximum) \(quota.noun) and has \(present).")
      extensions = [
        .string("limit", quota.rawValue), .integer("maximum", maximum), .integer("present", present),
      ]
    case .invalid(let problems): self.init(.invalidBody, locations: problems.map(ErrorLocation.init))
    case .tenantErased: self = Authenticator.unauthorized("The API key is unknown, revoked or expired.")
    case .idempotencyKeyReused:
      self.init(.idempotencyKeyReused, "This Idempotency-Key came with another request before.")
    case .idempotencyKeyInUse:
      self.init(
        .idempotencyKeyInUse, "A request with this Idempotency-Key is being answered right now.",
        headers: [.retryAfter: "1"])
    }
  }
}
