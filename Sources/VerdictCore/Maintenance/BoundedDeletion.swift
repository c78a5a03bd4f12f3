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
  /// The columns of an index behind those that `condition` fixes.
  private let order: [Column]
  private let stepSize: Int
  /// The values of ``order`` in the last row of the last step.
  private var position: [String]?
  /// How many rows have gone since the table was begun with.
  private var goneInSweep = 0

  /// - Parameters:
  ///   - condition: on rows that are all of the tenant's and dataset's, and do not come back.
  ///   - order: columns of an index of the table that come behind `tenant_id` and, if it is given, `dataset_id`.
  private init(
    _ table: Table, of tenant: TenantID, dataset: Int?, where condition: Query?, by order: [Column],
    stepSize: Int = rowsPerStep
  ) {
    self.table = table
    self.tenant = tenant
    self.order = order
    self.stepSize = stepSize
    var all: Query = "tenant_id = \(tenant)"
    if let dataset { all = all + " AND dataset_id = \(dataset)" }
    if let condition { all = all + " AND " + condition }
    self.condition = all
  }

  /// All rows of a dataset.
  init(
    _ table: Table, of tenant: TenantID, dataset: Int, where condition: Query? = nil,
    stepSize: Int = rowsPerStep
  ) {
    self.init(
      table, of: tenant, dataset: dataset, where: condition, by: [Self.identifier(of: table)],
      stepSize: stepSize)
  }

  /// All rows of a tenant.
  init(_ table: Table, of tenant: TenantID) {
    let hasDatasets = table == .labels || table == .predictions
    self.init(
      table, of: tenant, dataset: nil, where: nil,
      by: (hasDatasets ? [Column(name: "dataset_id", type: "bigint")] : []) + [Self.identifier(of: table)])
  }

  /// The answers of a tenant that were kept before a time.
  init(answersOf tenant: TenantID, where condition: Query, stepSize: Int) {
    self.init(
      .idempotencyKeys, of: tenant, dataset: nil, where: condition,
      by: [Column(name: "created_at", type: "timestamptz")], stepSize: stepSize)
  }

  private static func identifier(of table: Table) -> Column {
    switch table {
    case .labels, .jobs: Column(name: "id", type: "bigint")
    case .predictions: Column(name: "id", type: "uuid")
    case .idempotencyKeys: Column(name: "key", type: "text")
    }
  }

  /// Deletes until no row is left, or until a time has come.
  ///
  /// - Returns: whether no row is left.
  mutating func run(in database: Database, until deadline: ContinuousClock.Instant? = nil) async throws
    -> Bool
  {
    while true {
      let start = ContinuousClock.now
      let (deleted, next) = try await step(in: database)
      goneInSweep += deleted
      position = next
      if next == nil {
        // What others were just deleting, or had not written yet when the table was begun with, may have been missed.
        if goneInSweep == 0 { return true }
        goneInSweep = 0
      }
      if let deadline, deadline <= .now { return false }
      try Task.checkCancellation()
      // A ninth of the time is for the rows: others want the disk and the processors, too.
      try await Task.sleep(for: min((ContinuousClock.now - start) * 8, .seconds(2)))
    }
  }

  /// Deletes the rows behind ``position`` up to the end of the step.
  ///
  /// - Returns: how many, and where the next step begins; `nil` at the end of the table.
  private func step(in database: Database) async throws -> (deleted: Int, next: [String]?) {
    try await database.transaction(for: tenant) { tx in
      var rows: Query = " WHERE " + condition
      if let position { rows = rows + " AND " + Self.comparison(order, ">", position) }
      // By the columns themselves: a bare name after ORDER BY would be that of the text (manual, SELECT).
      let columns: [Query] = order.map { "t.\(identifier: $0.name)" }
      let results = try await tx.pipeline([
        "SET LOCAL enable_seqscan = off",
        "SELECT " + Self.list(columns.map { $0 + "::text" }) + " FROM " + name + " t" + rows
          + " ORDER BY " + Self.list(columns) + " OFFSET \(stepSize - 1) LIMIT 1",
      ])
      let end = try results[1].first.map { row in
        try order.indices.map { try row.decode(at: $0, as: String.self) }
      }
      if let end { rows = rows + " AND " + Self.comparison(order, "<=", end) }
      return (try await delete(rows, in: tx), end)
    }
  }

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
    let columns = list(order.map { "\(identifier: $0.name)" })
    let bound = list(zip(order, values).map { "\($1)::text::\(unescaped: $0.type)" })
    return "(" + columns + ") \(unescaped: comparator) (" + bound + ")"
  }

  private static func list(_ parts: [Query]) -> Query {
    parts.dropFirst().reduce(parts.first ?? "") { $0 + ", " + $1 }
  }
}
