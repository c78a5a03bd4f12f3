import Learning
import PostgreSQL

/// The statements that store predictions, each with its rows as one array: small groups of several tenants in one
/// transaction and one round trip, large ones block by block in a transaction of their own.
struct PredictionInsert: Sendable {
  private let rowType = CompositeType(PredictionColumn.rowType)

  /// From how many rows on a group is stored by itself, so that it holds up nobody else's single answer.
  static let large = 128

  /// How long a commit of single answers may take before all of them are told that the database is away: one that fell silent
  /// would otherwise hold everybody up.
  private static let timeout = Duration.seconds(10)

  /// The same for a large group.
  private static let largePatience = Duration.seconds(60)

  /// About how many bytes of rows a statement takes.
  private static let chunk = 512 << 10

  /// Stores all groups in one transaction; those whose dataset has changed since are left out.
  ///
  /// All groups of a tenant share one statement.
  func store(_ groups: [PredictionGroup], in database: Database) async throws -> [PredictionGroup.Outcome] {
    let pool = database.pool
    let type = try await rowType.oid(in: pool)
    var members: [Target: [Int]] = [:]
    for (index, group) in groups.enumerated() { members[Target(group), default: []].append(index) }
    var statements: [Query] = [database.isReadOnly ? "BEGIN READ ONLY" : "BEGIN"]
    var checks: [(statement: Int, targets: [Target])] = []
    // Tenants and datasets are locked in one order everywhere, so that two flushes never wait for each other in a circle.
    let tenants = Dictionary(grouping: members.keys, by: \.tenant).sorted {
      $0.key.rawValue < $1.key.rawValue
    }
    for (tenant, targets) in tenants {
      statements.append(Database.setTenant(tenant))
      checks.append((statements.count, targets))
      let answers = targets.map { (members[$0] ?? []).map { groups[$0].answers } }
      statements.append(
        Self.insert(
          try PredictionRows(answers.flatMap(\.self), type: type), tenant, targets,
          counts: answers.map { $0.reduce(0) { $0 + $1.count } },
          counting: PredictionCounting.addStored(tenant)))
    }
    statements.append("COMMIT")
    do {
      let results = try await pool.pipeline(statements, within: Self.timeout)
      var outcomes = Array(repeating: PredictionGroup.Outcome.stale, count: groups.count)
      for (statement, targets) in checks {
        for row in results[statement] {
          for index in members[targets[try row.decode(Int.self)]] ?? [] { outcomes[index] = .stored }
        }
      }
      return outcomes
    } catch {
      rowType.forget(after: error)
      throw error
    }
  }

  /// Stores one group in a transaction of its own.
  func store(_ group: PredictionGroup, in database: Database) async throws -> PredictionGroup.Outcome {
    try await database.transaction(for: group.tenant, within: Self.largePatience) {
      try await store(group, in: $0)
    }
  }

  /// Stores one group in the caller's transaction: all of it or, if its dataset has changed since, nothing.
  func store(_ group: PredictionGroup, in tx: Transaction) async throws -> PredictionGroup.Outcome {
    let type = try await rowType.oid(in: tx)
    let target = Target(group)
    do {
      // One block on its way into the database while the next one is being written, and no further.
      return try await withThrowingTaskGroup(of: Bool.self) { running in
        var row = 0
        while row < group.count {
          let rows = try PredictionRows(group.answers, from: row, size: Self.chunk, type: type)
          if try await running.next() == false { return .stale }
          // While further blocks follow, the dataset must stay as it is.
          let holds = row == 0 && rows.count < group.count
          row += rows.count
          running.addTask {
            let statement = Self.insert(rows, group.tenant, [target], counts: [rows.count], holds: holds)
            return try await !tx.query(statement).isEmpty
          }
        }
        if try await running.next() == false { return .stale }
        // Last, since it locks what others count in, too.
        try await tx.query(PredictionCounting.add(group.count, group.tenant))
        return .stored
      }
    } catch {
      rowType.forget(after: error)
      throw error
    }
  }

  private static let rowColumns = PredictionColumn.rowColumns.map(\.rawValue).joined(separator: ", ")
  private static let qualifiedRowColumns = PredictionColumn.rowColumns.map { "r.\($0.rawValue)" }
    .joined(separator: ", ")

  /// The answers that can share an entry of the statement: those of one model of one revision of a dataset.
  private struct Target: Hashable {
    var tenant: TenantID
    var dataset: Int
    var revision: Int
    var version: Int
    var threshold: Double

    init(_ group: PredictionGroup) {
      tenant = group.tenant
      dataset = group.dataset
      revision = group.revision
      version = group.answers.model.version
      threshold = group.answers.model.model.threshold
    }
  }

  /// One statement for a tenant, whatever the number of datasets and rows: it is prepared once a connection.
  ///
  /// A dataset's row is locked against deletion, once and not for each prediction, and compared with the revision that the
  /// answers came from: nothing is stored for a dataset that has changed or gone. The statement returns the positions of the
  /// targets that were as expected.
  ///
  /// - Parameters:
  ///   - rows: the rows of the first target, then those of the second, …
  ///   - counts: how many rows each target has.
  ///   - holds: whether the datasets must stay as they are until the end of the transaction.
  ///   - counting: what counts the rows `stored`, if not another statement does.
  private static func insert(
    _ rows: PredictionRows, _ tenant: TenantID, _ targets: [Target], counts: [Int], holds: Bool = false,
    counting: Query? = nil
  ) -> Query {
    var end = 0
    let ends = counts.map { count in
      end += count
      return end
    }
    let insert: Query = """
      WITH target AS MATERIALIZED (
        SELECT d.id, t.*
        FROM unnest(
          \(targets.map(\.dataset)), \(targets.map(\.revision)), \(targets.map { Int32($0.version) }),
          \(targets.map(\.threshold)), \(zip(ends, counts).map(-)), \(ends)
        ) WITH ORDINALITY t (dataset, revision, version, threshold, first, last, position)
        JOIN datasets d ON d.tenant_id = \(tenant) AND d.id = t.dataset AND d.revision = t.revision
          AND d.deleted_at IS NULL
        ORDER BY d.id
        FOR \(unescaped: holds ? "SHARE" : "KEY SHARE") OF d
      ), stored AS (
        INSERT INTO predictions
          (tenant_id, dataset_id, model_version, threshold, \(unescaped: rowColumns))
        SELECT \(tenant), t.id, t.version, t.threshold, \(unescaped: qualifiedRowColumns)
        FROM target t
        JOIN unnest(\(rows)::\(unescaped: PredictionColumn.rowType)[]) WITH ORDINALITY
          r (\(unescaped: rowColumns), number) ON r.number > t.first AND r.number <= t.last
        RETURNING 1
      )
      """
    let counted: Query = counting.map { ", counted AS (" + $0 + ")" } ?? ""
    return insert + counted + " SELECT position - 1 FROM target"
  }
}
