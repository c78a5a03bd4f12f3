/// The reason for which a request was refused or shed: the one list of the values of the label `reason` in metrics.
///
/// Faults in a request, such as an invalid body, are not refusals in this sense. A new bound needs a case here, and a problem that
/// names it.
enum ShedReason: String, CaseIterable, Sendable {
  /// The tenant's requests a second (429).
  case requestRate = "request_rate"
  /// Unknown keys from one address (429).
  case wrongKeys = "wrong_keys"
  /// A limit of the tenant on what it stores (403).
  case quota
  /// The size of a body (413).
  case bodySize = "body_size"
  /// The quality of a model (409).
  case gate
  /// The memory for requests (503).
  case memory
  /// The large models that are read at the same time (503).
  case models
  /// The connections that long operations may hold (503).
  case permits
  /// The connections to the database (503).
  case pool
  /// The predictions that wait to be stored (503).
  case predictions
  /// A lock, or a transaction of another request (503).
  case conflict
  /// The database, which is unreachable, too slow or refuses writes (503).
  case database
  /// Any other overload (503).
  case other

  /// The reason behind a kind of problem, where no more is known; `nil` for a fault in the request.
  init?(_ kind: ProblemKind) {
    switch kind {
    case .tooManyRequests: self = .requestRate
    case .quotaExceeded: self = .quota
    case .bodyTooLarge: self = .bodySize
    case .modelBelowGate: self = .gate
    case .databaseUnavailable, .databaseReadOnly, .queryTimeout: self = .database
    case .overloaded: self = .other
    default: return nil
    }
  }
}
