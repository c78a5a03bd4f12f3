public import PostgreSQL

/// An error of a handler that has something to say to the tenant. Other errors are shown as an internal error, so that
/// nothing leaks.
public protocol DescribedJobError: Error {
  /// A stable word for programs.
  var type: String { get }
  /// A sentence for people.
  var detail: String { get }
}

/// An error of a handler that may pass: the job is tried again until its attempts are used up. Everything else is final
/// at once.
public protocol RetryableJobError: Error {
  /// Whether this one may pass.
  var isRetryable: Bool { get }
}

extension RetryableJobError {
  /// Yes.
  public var isRetryable: Bool { true }
}

extension PostgreSQLError: RetryableJobError {
  /// The database is away, was restarted, is out of memory, disk or connections (class 53), cannot write for now, or asked
  /// to run the transaction again (PostgreSQL manual, Appendix A).
  public var isRetryable: Bool {
    if isConnectionProblem { return true }
    switch kind {
    case .cancelled: return true
    case .server:
      return sqlState.map { state in
        state.conditionClass == "58"
          || [
            .serializationFailure, .deadlockDetected, .lockNotAvailable, .queryCanceled,
            .readOnlySQLTransaction,
            .idleInTransactionSessionTimeout,
          ].contains(state)
      } ?? false
    default: return false
    }
  }
}

extension JobErrorRecord {
  /// What an error of a handler is to the tenant.
  init(_ error: any Error) {
    switch error {
    case let error as any DescribedJobError: self.init(type: error.type, detail: error.detail)
    case is PostgreSQLError: self = .databaseError
    default: self = .internalError
    }
  }
}

/// Whether an error of a handler may pass.
func isRetryable(_ error: any Error) -> Bool {
  (error as? any RetryableJobError)?.isRetryable ?? false
}
