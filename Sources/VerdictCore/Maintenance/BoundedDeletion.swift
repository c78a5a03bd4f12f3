import PostgreSQL

/// Deletes many rows of a tenant in steps of bounded size, each in its own transaction.
///
/// A step is a range of an index, up to the row `stepSize` entries further on. Such a statement has only one plan,
/// whatever the planner's statistics are. A join with the rows to be deleted, or their ctids, has other plans, which
/// read the whole index for each row. Each step starts where the last one ended, so that the index entries of deleted
/// rows are skipped once.
struct BoundedDeletion: Sendable {
  /// The tables from which rows are deleted in large numbers.
  enum Table: String {
    case labels
    case predictions
    case jobs
    case idempotencyKeys = "idempotency_keys"
  }

  /// A column of the index order.
  struct Column {
    var name: String
    var type: String
  }

  /// The maximum number of rows of one step.
  static let rowsPerStep = 2_000

  private let table: Table
  private let tenant: TenantID
  private let condition: Query
  /// The condition of the rows to delete, if not all. It must hold for a prefix of the rows in index order.
  private let selection: Query?
  /// The columns of the index that follow those that `condition` fixes.
  private let order: [Column]
  private let stepSize: Int
  /// The values of ``order`` in the last row of the last step.
  private var position: [String]?
  /// The number of rows deleted since the start of the current sweep.
  private var goneInSweep = 0

  private init(
    _ table: Table, of tenant: TenantID, dataset: Int?, where selection: Query?, by order: [Column],
    stepSize: Int = rowsPerStep
  ) {
    self.table = table
    self.tenant = tenant
    self.selection = selection
    self.order = order
    self.stepSize = stepSize
    var condition: Query = "tenant_id = \(tenant)"
    if let dataset { condition = condition + " AND dataset_id = \(dataset)" }
    self.condition = condition
  }

  /// Deletes all rows of a dataset, or those that match `selection`.
  init(
    _ table: Table, of tenant: TenantID, dataset: Int, where selection: Query? = nil,
    stepSize: Int = rowsPerStep
  ) {
    self.init(
      table, of: tenant, dataset: dataset, where: selection, by: [Self.identifier(of: table)],
      stepSize: stepSize)
  }

  /// Deletes all rows of a tenant.
  init(_ table: Table, of tenant: TenantID) {
    let hasDatasets = table == .labels || table == .predictions
    self.init(
      table, of: tenant, dataset: nil, where: nil,
      by: (hasDatasets ? [Column(name: "dataset_id", type: "bigint")] : []) + [Self.identifier(of: table)])
  }

  /// Deletes the oldest stored responses of a tenant that match `selection`.
  init(answersOf tenant: TenantID, where selection: Query, stepSize: Int) {
    self.init(
      .idempotencyKeys, of: tenant, dataset: nil, where: selection,
      by: [Column(name: "created_at", type: "timestamptz")], stepSize: stepSize)
  }

  private static func identifier(of table: Table) -> Column {
    switch table {
    case .labels, .jobs: Column(name: "id", type: "bigint")
    case .predictions: Column(name: "id", type: "uuid")
    case .idempotencyKeys: Column(name: "key", type: "text")
    }
  }

  /// Deletes until no rows are left, or until the deadline.
  ///
  /// - Returns: whether no rows are left.
  mutating func run(
    in database: Database, until deadline: ContinuousClock.Instant? = nil
  ) async throws -> Bool {
    while true {
      let start = ContinuousClock.now
      let (deleted, end) = try await step(in: database)
      goneInSweep += deleted
      position = end
      if end == nil {
        // Rows that other transactions deleted or wrote during the sweep may have been missed.
        if goneInSweep == 0 { return true }
        goneInSweep = 0
      } else if selection != nil, deleted == 0 {
        return true
      }
      if let deadline, deadline <= .now { return false }
      try Task.checkCancellation()
      // Deletion gets a ninth of the time, so that other work gets the disk and the processors.
      try await Task.sleep(for: min((ContinuousClock.now - start) * 8, .seconds(2)))
    }
  }

  /// Deletes the rows of one step.
  ///
  /// - Returns: the number of deleted rows, and the end of the step; `nil` if no rows were left.
  private func step(in database: Database) async throws -> (deleted: Int, end: [String]?) {
    try await database.transaction(for: tenant) { tx in
      var rows: Query = " WHERE " + condition
      if let position { rows = rows + " AND " + Self.comparison(order, ">", position) }
      let results = try await tx.pipeline([
        "SET LOCAL enable_seqscan = off", isWorthAStep(rows), lastRow(of: rows),
      ])
      guard !results[1].isEmpty, let last = results[2].first else { return (0, nil) }
      let end = try order.indices.map { try last.decode(at: $0, as: String.self) }
      rows = rows + " AND " + Self.comparison(order, "<=", end)
      if let selection { rows = rows + " AND " + selection }
      return (try await delete(rows, in: tx), end)
    }
  }

  /// Returns the first row if it is to be deleted. If it is not, none is.
  private func isWorthAStep(_ rows: Query) -> Query {
    guard let selection else { return "SELECT" }
    return "SELECT FROM (SELECT * FROM " + name + " t" + rows + " ORDER BY " + Query.list(columns)
      + " LIMIT 1) first WHERE " + selection
  }

  /// Returns the last row of the next step.
  private func lastRow(of rows: Query) -> Query {
    let last = Query.list(order.map { "\(identifier: $0.name) DESC" as Query })
    return "SELECT "
      + Query.list(order.map { "\(identifier: $0.name)::text AS \(identifier: $0.name + "_text")" })
      + " FROM (SELECT " + Query.list(columns) + " FROM " + name + " t" + rows + " ORDER BY "
      + Query.list(columns)
      + " LIMIT \(stepSize)) step ORDER BY " + last + " LIMIT 1"
  }

  private var columns: [Query] { order.map { "t.\(identifier: $0.name)" } }

  /// Deletes rows and updates the tenant's counts.
  private func delete(_ rows: Query, in tx: Transaction) async throws -> Int {
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
      let deleted = try await tx.query("DELETE FROM predictions" + rows).affectedRows
      if deleted > 0 { try await tx.query(PredictionCounting.add(-deleted, tenant)) }
      return deleted
    case .jobs, .idempotencyKeys: return try await tx.query("DELETE FROM " + name + rows).affectedRows
    }
  }

  private var name: Query { "\(identifier: table.rawValue)" }

  private static func comparison(_ order: [Column], _ comparator: String, _ values: [String]) -> Query {
    let columns = Query.list(order.map { "\(identifier: $0.name)" })
    let bound = Query.list(zip(order, values).map { "\($1)::text::\(unescaped: $0.type)" })
    return "(" + columns + ") \(unescaped: comparator) (" + bound + ")"
  }
}
