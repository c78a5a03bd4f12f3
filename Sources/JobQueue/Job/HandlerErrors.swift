public import PostgreSQL

/// An error of a handler with a text for the tenant. Other errors are shown as an internal error, so that nothing leaks.
public protocol DescribedJobError: Error {
  /// A stable identifier for programs.
  var type: String { get }
  /// A sentence for people.
  var detail: String { get }
}

/// An error of a handler that may be transient: the job is retried until its attempts are used up. Any other error is final
/// at once.
public protocol RetryableJobError: Error {
  /// Whether the job is retried.
  var isRetryable: Bool { get }
}

extension RetryableJobError {
  /// True.
  public var isRetryable: Bool { true }
}

extension PostgreSQLError: RetryableJobError {
  /// True when the database is unreachable, restarting, out of memory, disk or connections (class 53), read-only for now, or
  /// asks for the transaction to be repeated (PostgreSQL manual, Appendix A).
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
  /// The record of a handler's error.
  init(_ error: any Error) {
    switch error {
    case let error as any DescribedJobError: self.init(type: error.type, detail: error.detail)
    case is PostgreSQLError: self = .databaseError
    default: self = .internalError
    }
  }
}

/// Whether a handler's error may be transient.
func isRetryable(_ error: any Error) -> Bool {
  (error as? any RetryableJobError)?.isRetryable ?? false
}
