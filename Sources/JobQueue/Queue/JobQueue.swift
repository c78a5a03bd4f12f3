public import Logging
public import PostgreSQL

/// A durable queue of one kind of jobs in PostgreSQL, shared by the jobs of many tenants and by any number of workers.
///
/// What a request wants (``enqueue(_:in:)``, ``cancel(tenant:id:in:)``, reading) happens in the caller's transaction,
/// in which the caller has set the tenant, and so becomes true together with what else the caller writes. What a worker
/// wants happens in short transactions of the queue's own. docs/jobs.md draws the states.
public struct JobQueue: Sendable {
  /// Told when there may be work: a job was queued, brought forward, handed back, or is to be cancelled.
  public static let wakeChannel = "verdict_jobs"
  /// Told whenever a job has moved or made progress: `tenant:kind:subject:id:state`. At most twice a second for the
  /// progress of one job.
  public static let eventChannel = "verdict_job_events"

  /// Times and limits.
  public struct Configuration: Sendable {
    /// How long a silent worker keeps its job. A dead one's is taken up after it.
    public var lease: Duration = .seconds(10)
    /// How many jobs of one tenant run at a time, over all workers.
    public var runningPerTenant = 4
    /// The pause before the second attempt; it doubles with each further one.
    public var firstRetryDelay: Duration = .seconds(5)
    /// The pause grows no longer.
    public var longestRetryDelay: Duration = .seconds(600)
    /// How long a transaction of the queue's own may take before the database is held to be away.
    public var timeout: Duration = .seconds(10)
    /// How long ended jobs are kept; `nil` for ever.
    public var retention: Duration? = .seconds(90 * 86_400)

    /// The default times and limits.
    public init() {}
  }

  let pool: ConnectionPool
  let kind: String
  /// The times and limits.
  public let configuration: Configuration
  let logger: Logger

  /// The queue of the jobs of one kind.
  ///
  /// - Parameter pool: connections as a role that may use the table `jobs`.
  public init(
    pool: ConnectionPool, kind: String, configuration: Configuration = Configuration(), logger: Logger
  ) {
    self.pool = pool
    self.kind = kind
    self.configuration = configuration
    self.logger = logger
  }

  /// Runs one of the queue's own transactions, which see the jobs of all tenants.
  func transaction<T>(
    readOnly: Bool = false, _ body: nonisolated(nonsending) (Transaction) async throws -> T
  ) async throws -> T {
    try await pool.transaction(setup: setup, readOnly: readOnly, within: configuration.timeout, body)
  }

  /// What the queue's own transactions begin with. They see the jobs of all tenants (the policy of the table `jobs`), and
  /// PostgreSQL ends them when their worker says nothing for as long as a lease: a frozen one would hold its locks, and
  /// with them the jobs of all others.
  var setup: [Query] {
    [
      "SET LOCAL jobqueue.worker = 'on'",
      "SET LOCAL idle_in_transaction_session_timeout = \(unescaped: String(Int(configuration.lease.inSeconds * 1_000)))",
    ]
  }

  /// An SQL expression that tells the watchers of the jobs in `table`, the name of a table expression with the columns
  /// of `jobs`.
  static func event(of table: String) -> Query {
    let t = Query(unsafeSQL: table)
    return """
      pg_notify(\(Self.eventChannel), concat_ws(':', \(t).tenant_id, \(t).kind, \(t).subject, \(t).id, \(t).state))::text
      """
  }
}

extension Duration {
  /// In seconds, for `make_interval(secs => …)`.
  var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }
}
