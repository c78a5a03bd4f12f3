import PostgreSQL

/// Deletes many rows of a tenant in steps of bounded size, each a transaction of its own.
///
/// A step is a range of an index: everything up to the row that is so many rows further on. Such a statement has one plan
/// alone, whatever the planner believes of the table; a join with the rows to be deleted, or their ctids, has others, which
/// read the whole index for each of them. The next step begins where the last one ended, so that the index entries of what
/// is gone are passed over once.
struct BoundedDeletion: Sendable {
  /// The tables that rows are deleted from in large numbers.
  enum Table: String {
    case labels
    case predictions
    case jobs
    case idempotencyKeys = "idempotency_keys"
  }

  /// A column that rows are met in the order of.
  struct Column {
    var name: String
    var type: String
  }

  /// How many rows one step deletes at most.
  static let rowsPerStep = 2_000

  private let table: Table
  private let tenant: TenantID
  private let condition: Query
  /// Which of the rows that meet `condition` go, if not all: the first ones in their order, as long as there are any.
  private let selection: Query?
  /// The columns of an index behind those that `condition` fixes.
  private let order: [Column]
  private let stepSize: Int
  /// The values of ``order`` in the last row of the last step.
  private var position: [String]?
  /// How many rows have gone since the table was begun with.
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

  /// All rows of a dataset, or the first ones that meet a condition.
  init(
    _ table: Table, of tenant: TenantID, dataset: Int, where selection: Query? = nil,
    stepSize: Int = rowsPerStep
  ) {
    self.init(
      table, of: tenant, dataset: dataset, where: selection, by: [Self.identifier(of: table)],
      stepSize: stepSize)
  }

  /// All rows of a tenant.
  init(_ table: Table, of tenant: TenantID) {
    let hasDatasets = table == .labels || table == .predictions
    self.init(
      table, of: tenant, dataset: nil, where: nil,
      by: (hasDatasets ? [Column(name: "dataset_id", type: "bigint")] : []) + [Self.identifier(of: table)])
  }

  /// The oldest answers of a tenant that meet a condition.
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

  /// Deletes until no row is left that is to go, or until a time has come.
  ///
  /// - Returns: whether no row is left.
  mutating func run(
    in database: Database, until deadline: ContinuousClock.Instant? = nil
  ) async throws -> Bool {
    while true {
      let start = ContinuousClock.now
      let (deleted, end) = try await step(in: database)
      goneInSweep += deleted
      position = end
      if end == nil {
        // Rows that others were deleting or writing during the sweep may have been missed.
        if goneInSweep == 0 { return true }
        goneInSweep = 0
      } else if selection != nil, deleted == 0 {
        return true
      }
      if let deadline, deadline <= .now { return false }
      try Task.checkCancellation()
      // A ninth of the time is for the rows: others want the disk and the processors, too.
      try await Task.sleep(for: min((ContinuousClock.now - start) * 8, .seconds(2)))
    }
  }

  /// Deletes the rows of a step.
  ///
  /// - Returns: how many, and where the step ended; `nil` where there were no rows any more.
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

  /// Finds the first row if it is to go: if not, none is.
  private func isWorthAStep(_ rows: Query) -> Query {
    guard let selection else { return "SELECT" }
    return "SELECT FROM (SELECT * FROM " + name + " t" + rows + " ORDER BY " + Query.list(columns)
      + " LIMIT 1) first WHERE " + selection
  }

  /// Asks for the last row of a step.
  private func lastRow(of rows: Query) -> Query {
    let last = Query.list(order.map { "\(identifier: $0.name) DESC" as Query })
    return "SELECT "
      + Query.list(order.map { "\(identifier: $0.name)::text AS \(identifier: $0.name + "_text")" })
      + " FROM (SELECT " + Query.list(columns) + " FROM " + name + " t" + rows + " ORDER BY "
      + Query.list(columns)
      + " LIMIT \(stepSize)) step ORDER BY " + last + " LIMIT 1"
  }

  private var columns: [Query] { order.map { "t.\(identifier: $0.name)" } }

  /// Deletes rows, and counts them out of what the tenant has.
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
