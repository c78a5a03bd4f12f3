public import Logging
public import PostgreSQL

/// A durable queue of one kind of jobs in PostgreSQL, shared by the jobs of many tenants and by any number of workers.
///
/// Queues of different kinds share the table `jobs` (``JobQueueSchema``) and are independent of each other: a second kind of
/// job is another queue, ``ofKind(_:)``, with a ``Worker`` and its handler.
///
/// Requests (``enqueue(_:reschedules:in:)``, ``cancel(tenant:id:in:)``, reading) run in the caller's transaction, in which
/// the caller has set the tenant, and take effect together with the caller's other writes. Workers use short transactions of
/// the queue's own. docs/jobs.md draws the states.
public struct JobQueue: Sendable {
  let pool: ConnectionPool
  /// The kind of the queue's jobs.
  public let kind: String
  /// The channels, times and limits.
  public let configuration: Configuration
  let logger: Logger

  /// The queue of the jobs of one kind.
  ///
  /// - Parameters:
  ///   - pool: connections as a role that may use the table `jobs`.
  ///   - kind: lower-case letters, digits, `_` and `-`, 63 characters at most, the first a letter or digit.
  ///   - configuration: the queue's limits and times.
  ///   - logger: receives what goes wrong in the background.
  public init(
    pool: ConnectionPool, kind: String, configuration: Configuration = Configuration(), logger: Logger
  ) {
    self.pool = pool
    self.kind = kind
    self.configuration = configuration
    self.logger = logger
  }

  /// The queue of another kind in the same table, with the same configuration.
  public func ofKind(_ kind: String) -> JobQueue {
    JobQueue(pool: pool, kind: kind, configuration: configuration, logger: logger)
  }

  /// Runs one of the queue's own transactions, which see the jobs of all tenants.
  func transaction<T>(
    readOnly: Bool = false, _ body: nonisolated(nonsending) (Transaction) async throws -> T
  ) async throws -> T {
    try await pool.transaction(setup: setup, readOnly: readOnly, within: configuration.timeout, body)
  }

  /// The first statements of the queue's own transactions: the policy of the table `jobs` then shows the jobs of all
  /// tenants, and PostgreSQL ends a transaction that has been idle for as long as a lease, since a frozen worker would
  /// otherwise hold its locks, and with them everybody's jobs.
  var setup: [Query] {
    [
      "SET LOCAL jobqueue.worker = 'on'",
      "SET LOCAL idle_in_transaction_session_timeout = \(unescaped: String(Int(configuration.lease / .milliseconds(1))))",
    ]
  }

  /// An SQL expression that notifies the watchers of the jobs in `table`, a table expression with the columns of `jobs`.
  func eventNotification(of table: String) -> Query {
    let t = Query(unsafeSQL: table)
    return """
      pg_notify(\(configuration.channels.events),
                concat_ws(':', \(t).tenant_id, \(t).kind, \(t).subject, \(t).id, \(t).state))::text
      """
  }

  /// An SQL expression that wakes the workers of a job's kind; `kind` must be a column in scope.
  var wakeNotification: Query { "pg_notify(\(configuration.channels.wake), kind)::text" }
}
