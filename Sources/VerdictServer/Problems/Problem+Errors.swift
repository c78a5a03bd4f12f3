import HTTPTypes
import Hummingbird
import Logging
import NIOHTTP1
import PostgreSQL
import VerdictCore

extension Problem {
  /// The problem that an error is for a client. What it does not have to know goes to the log instead.
  init(_ error: any Error, logger: Logger) {
    switch error {
    case let problem as Problem: self = problem
    case let error as DomainError: self.init(error)
    case let error as InputProblems:
      self.init(.schemaMismatch, places: error.problems.map(Place.init), count: error.count)
    case let error as SyntaxProblem: self.init(error)
    case let error as PredictionRefusal:
      let pointer = Fields.child("/features", error.feature)
      self.init(.schemaMismatch, places: [Place(pointer: pointer, detail: PredictionRefusal.detail)])
    case is PredictionWriter.Overloaded:
      self.init(
        .overloaded, "The server has more predictions to store than it can; try again.",
        headers: [.retryAfter: "1"])
    case let error as PostgreSQLError where error.sqlState == Self.diskFull:
      logger.error("the database's disk is full", metadata: ["error": "\(error)"])
      self.init(
        .databaseUnavailable, "The database has no space left on its disk; nothing was changed.",
        headers: [.retryAfter: "5"])
    case let error as PostgreSQLError where error.isConnectionProblem:
      logger.error("database unavailable", metadata: ["error": "\(error)"])
      self.init(
        .databaseUnavailable, "The database is out of reach; nothing was changed.",
        headers: [.retryAfter: "1"])
    case let error as PostgreSQLError where Self.isUnmigrated(error):
      logger.error("the database lacks this server's schema", metadata: ["error": "\(error)"])
      self.init(
        .databaseUnavailable, "The database does not have this server's schema: run verdict migrate.",
        headers: [.retryAfter: "5"])
    case let error as HTTPError where error.status == .contentTooLarge:
      self.init(.bodyTooLarge, "The body is larger than this resource takes.")
    default:
      logger.error("unexpected error", metadata: ["error": "\(String(reflecting: error))"])
      self.init(.internal, "The server made a mistake; it is in its log under the request_id.")
    }
  }

  /// Whether a statement failed because the tables, or the role that works on them, are not there yet.
  private static func isUnmigrated(_ error: PostgreSQLError) -> Bool {
    guard let state = error.sqlState else { return false }
    let roleIsMissing = SQLState(rawValue: "22023")
    let typeIsMissing = SQLState(rawValue: "42704")
    return [.undefinedTable, .undefinedColumn, roleIsMissing, typeIsMissing].contains(state)
  }

  /// PostgreSQL manual, appendix A, class 53.
  private static let diskFull = SQLState(rawValue: "53100")

  private init(_ error: SyntaxProblem) {
    let sentence = "\(error)"
    let detail = sentence.prefix(1).uppercased() + sentence.dropFirst() + "."
    switch error.kind {
    case .tooLarge: self.init(.bodyTooLarge, detail)
    case .outOfMemory: self.init(.overloaded, detail, headers: [.retryAfter: "1"])
    default: self.init(.malformedBody, detail)
    }
    if let line = error.line {
      places = [Place(line: line, detail: error.kind.rawValue)]
      placeCount = 1
    }
  }

  private init(_ error: DomainError) {
    switch error {
    case .notFound(let what): self.init(.notFound, "There is no \(what).")
    case .nameTaken(let what): self.init(.datasetExists, "There is a \(what) already.")
    case .noModel(let dataset):
      self.init(.noModel, "Dataset \(dataset) has no model yet: train one.")
    case .belowGate(let metric, let value, let minimum, let version, let labels):
      let place = labels.map { " on \($0) labelled predictions" } ?? ""
      let bound = Gate.lowerIsBetter.contains(metric) ? "at most" : "at least"
      self.init(
        .modelBelowGate,
        "Model \(version) has \(metric) \(value.map { "\($0)" } ?? "undefined")\(place); the dataset's gate asks for \(bound) \(minimum)."
      )
      extensions = [
        .string("metric", metric), .number("value", value), .number("minimum", minimum),
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
        "The tenant may have \(maximum) \(quota.words) and has \(present).")
      extensions = [
        .string("limit", quota.rawValue), .integer("maximum", maximum), .integer("present", present),
      ]
    case .invalid(let problems): self.init(.invalidBody, places: problems.map(Place.init))
    case .idempotencyKeyReused:
      self.init(.idempotencyKeyReused, "This Idempotency-Key came with another request before.")
    case .idempotencyKeyInUse:
      self.init(
        .idempotencyKeyInUse, "A request with this Idempotency-Key is being answered right now.",
        headers: [.retryAfter: "1"])
    }
  }
}

extension Quota {
  /// As it reads in a sentence.
  fileprivate var words: String {
    switch self {
    case .rows: "labels"
    case .datasets: "datasets"
    case .keys: "API keys"
    case .predictions: "stored predictions"
    case .bodyBytes: "bytes a body"
    case .requestsPerSecond: "requests a second"
    case .jobs: "trainings at a time"
    }
  }
}
