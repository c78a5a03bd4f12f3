import JobQueue
import PostgreSQL

/// Deletes many rows of a tenant in steps of bounded size, each in its own transaction.
///
/// A step is a range of an index: all rows up to the last of the next so many. Such a statement has one plan, whatever the
/// planner's statistics say; a join with the rows to be deleted, or with their ctids, has others, which read the whole index
/// for each row. The next step begins where the last one ended, so that index entries of deleted rows are read once.
struct BoundedDeletion: Sendable {
  /// The tables with deletions of many rows.
  enum Table: String {
    case labels
    case predictions
    case idempotencyKeys = "idempotency_keys"
  }

  /// The rows to be deleted.
  private enum Source {
    case table(Table)
    /// Jobs of a tenant, or of one subject; the queue has the statements.
    case jobs((kind: String, id: Int64)?)
  }

  /// A column of the order in which rows are deleted.
  struct Column {
    var name: String
    var type: String
  }

  /// The largest number of rows in a step.
  static let rowsPerStep = 2_000

  private let source: Source
  private let tenant: TenantID
  private let condition: Query
  /// A further condition, which the first rows in their order meet; the deletion ends at the first row that does not.
  private let selection: Query?
  /// The columns of an index after those that `condition` fixes.
  private let order: [Column]
  private let stepSize: Int
  /// Whether deleted predictions without a label are counted in `expired_predictions`.
  private var countsUnlabelled = false
  /// The values of ``order`` in the last row of the last step.
  private var position: [String]?
  /// The number of rows deleted since the sweep began.
  private var deletedInSweep = 0

  private init(
    _ source: Source, of tenant: TenantID, dataset: Int?, where selection: Query?, by order: [Column],
    stepSize: Int = rowsPerStep
  ) {
    self.source = source
    self.tenant = tenant
    self.selection = selection
    self.order = order
    self.stepSize = stepSize
    var condition: Query = "tenant_id = \(tenant)"
    if let dataset { condition = condition + " AND dataset_id = \(dataset)" }
    self.condition = condition
  }

  /// Deletes all rows of a dataset, or those that match `selection`.
  ///
  /// - Parameter countsUnlabelled: whether predictions without a label stay counted as such; see ``ExpiredPredictions``.
  init(
    _ table: Table, of tenant: TenantID, dataset: Int, where selection: Query? = nil,
    stepSize: Int = rowsPerStep, countsUnlabelled: Bool = false
  ) {
    self.init(
      .table(table), of: tenant, dataset: dataset, where: selection, by: [Self.identifier(of: table)],
      stepSize: stepSize)
    self.countsUnlabelled = countsUnlabelled
  }

  /// Deletes all rows of a tenant.
  init(_ table: Table, of tenant: TenantID) {
    let hasDatasets = table == .labels || table == .predictions
    self.init(
      .table(table), of: tenant, dataset: nil, where: nil,
      by: (hasDatasets ? [Column(name: "dataset_id", type: "bigint")] : []) + [Self.identifier(of: table)])
  }

  /// The oldest responses for replays of a tenant that meet a condition.
  init(answersOf tenant: TenantID, where selection: Query, stepSize: Int) {
    self.init(
      .table(.idempotencyKeys), of: tenant, dataset: nil, where: selection,
      by: [Column(name: "created_at", type: "timestamptz")], stepSize: stepSize)
  }

  /// All jobs of a tenant, or those of one kind and subject.
  init(jobsOf tenant: TenantID, subject: (kind: String, id: Int64)? = nil) {
    self.init(
      .jobs(subject), of: tenant, dataset: nil, where: nil,
      by: [Column(name: "id", type: "bigint")])
  }

  private static func identifier(of table: Table) -> Column {
    switch table {
    case .labels: Column(name: "id", type: "bigint")
    case .predictions: Column(name: "id", type: "uuid")
    case .idempotencyKeys: Column(name: "key", type: "text")
    }
  }

  /// Deletes until no row is left, or until the deadline.
  ///
  /// - Returns: whether no rows are left.
  mutating func run(
    in database: Database, until deadline: ContinuousClock.Instant? = nil
  ) async throws -> Bool {
    while true {
      let start = ContinuousClock.now
      let (deleted, end) = try await step(in: database)
      deletedInSweep += deleted
      position = end
      if end == nil {
        // The sweep may have missed rows that other transactions were deleting or writing.
        if deletedInSweep == 0 { return true }
        deletedInSweep = 0
      } else if selection != nil, deleted == 0 {
        return true
      }
      if let deadline, deadline <= .now { return false }
      try Task.checkCancellation()
      // Deletion takes a ninth of the time, and leaves disk and processors to requests.
      try await Task.sleep(for: min((ContinuousClock.now - start) * 8, .seconds(2)))
    }
  }

  /// Deletes the rows of one step.
  ///
  /// - Returns: the number of rows, and the position at the end of the step; `nil` when no rows were left.
  private func step(in database: Database) async throws -> (deleted: Int, end: [String]?) {
    switch source {
    case .table(let table): try await step(in: database, table)
    case .jobs(let subject): try await step(in: database, jobsOf: subject)
    }
  }

  private func step(
    in database: Database, jobsOf subject: (kind: String, id: Int64)?
  ) async throws -> (deleted: Int, end: [String]?) {
    try await database.transaction(for: tenant) { tx in
      let step = try await JobQueue.deleteStep(
        tenant: tenant.rawValue, subject: subject,
        after: position?.first.flatMap { Int64($0) }, limit: stepSize, in: tx)
      return (step?.deleted ?? 0, step.map { ["\($0.last)"] })
    }
  }

  private func step(
    in database: Database, _ table: Table
  ) async throws -> (deleted: Int, end: [String]?) {
    let name: Query = "\(identifier: table.rawValue)"
    return try await database.transaction(for: tenant) { tx in
      var rows: Query = " WHERE " + condition
      if let position { rows = rows + " AND " + Self.comparison(order, ">", position) }
      let results = try await tx.pipeline([
        "SET LOCAL enable_seqscan = off", firstRowCheck(rows, of: name), lastRow(of: rows, in: name),
      ])
      guard !results[1].isEmpty, let last = results[2].first else { return (0, nil) }
      let end = try order.indices.map { try last.decode(at: $0, as: String.self) }
      rows = rows + " AND " + Self.comparison(order, "<=", end)
      if let selection { rows = rows + " AND " + selection }
      return (try await delete(rows, of: table, in: tx), end)
    }
  }

  /// Finds the first row if it meets the selection; otherwise no row does.
  private func firstRowCheck(_ rows: Query, of name: Query) -> Query {
    guard let selection else { return "SELECT" }
    return "SELECT FROM (SELECT * FROM " + name + " t" + rows + " ORDER BY " + Query.list(columns)
      + " LIMIT 1) first WHERE " + selection
  }

  /// Finds the last row of a step.
  private func lastRow(of rows: Query, in name: Query) -> Query {
    let last = Query.list(order.map { "\(identifier: $0.name) DESC" as Query })
    return "SELECT "
      + Query.list(order.map { "\(identifier: $0.name)::text AS \(identifier: $0.name + "_text")" })
      + " FROM (SELECT " + Query.list(columns) + " FROM " + name + " t" + rows + " ORDER BY "
      + Query.list(columns)
      + " LIMIT \(stepSize)) step ORDER BY " + last + " LIMIT 1"
  }

  private var columns: [Query] { order.map { "t.\(identifier: $0.name)" } }

  /// Deletes rows, and subtracts them from the tenant's counts.
  private func delete(_ rows: Query, of table: Table, in tx: Transaction) async throws -> Int {
    switch table {
    case .labels:
      let counts = try await tx.query(
        "WITH gone AS (DELETE FROM labels" + rows
          + """
           RETURNING dataset_id, label)
          SELECT dataset_id, count(*) FILTER (WHERE label), count(*) FILTER (WHERE NOT label)
          FROM gone GROUP BY dataset_id ORDER BY dataset_id
          """
      ).map { try $0.decode(Int.self, Int.self, Int.self) }
      for (dataset, positives, negatives) in counts {
        _ = try await LabelCounting.add(
          .deleted(positives: positives, negatives: negatives), tenant, dataset: dataset, in: tx)
      }
      return counts.reduce(0) { $0 + $1.1 + $1.2 }
    case .predictions:
      let deleted =
        countsUnlabelled
        ? try await ExpiredPredictions.delete(rows, tenant, in: tx)
        : try await tx.query("DELETE FROM predictions" + rows).affectedRows
      if deleted > 0 { try await tx.query(PredictionCounting.add(-deleted, tenant)) }
      return deleted
    case .idempotencyKeys:
      return try await tx.query("DELETE FROM idempotency_keys" + rows).affectedRows
    }
  }

  private static func comparison(_ order: [Column], _ comparator: String, _ values: [String]) -> Query {
    let columns = Query.list(order.map { "\(identifier: $0.name)" })
    let bound = Query.list(zip(order, values).map { "\($1)::text::\(unescaped: $0.type)" })
    return "(" + columns + ") \(unescaped: comparator) (" + bound + ")"
  }
}
