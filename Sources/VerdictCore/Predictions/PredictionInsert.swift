import Learning
import PostgreSQL

/// Stores predictions by statements that have their rows as one array parameter: small groups of several tenants in one
/// transaction and one round trip, a large group block by block in a transaction of its own.
struct PredictionInsert: Sendable {
  private let rowType = CompositeType(PredictionColumn.rowType)
  private let caseType = CompositeType(PredictionColumn.caseType)

  /// The number of rows from which on a group has its own transaction, so that it delays no single prediction.
  static let large = 128

  /// The limit for a commit of small groups. All callers wait for it, so a database that stops responding must not block
  /// them for long.
  private static let timeout = Duration.seconds(10)

  /// The limit for a large group.
  private static let largeTimeout = Duration.seconds(60)

  /// The approximate size of the rows of one statement in bytes.
  private static let chunk = 512 << 10

  /// Stores all groups in one transaction, with one statement a tenant; groups whose dataset has changed are left out.
  func store(_ groups: [PredictionGroup], in database: Database) async throws -> [PredictionGroup.Outcome] {
    let pool = database.pool
    let types = PredictionRows.Types(
      row: try await rowType.oid(in: pool), attributed: try await caseType.oid(in: pool))
    var members: [Target: [Int]] = [:]
    for (index, group) in groups.enumerated() { members[Target(group), default: []].append(index) }
    var statements: [Query] = [database.isReadOnly ? "BEGIN READ ONLY" : "BEGIN"]
    var checks: [(statement: Int, targets: [Target])] = []
    // Tenants and datasets are locked in one order everywhere, so that flushes cannot deadlock.
    let tenants = Dictionary(grouping: members.keys, by: \.tenant).sorted {
      $0.key.rawValue < $1.key.rawValue
    }
    for (tenant, targets) in tenants {
      statements.append(Database.setTenant(tenant))
      checks.append((statements.count, targets))
      let answers = targets.map { (members[$0] ?? []).map { groups[$0].answers } }
      statements.append(
        Self.insert(
          try PredictionRows(answers.flatMap(\.self), types: types), tenant, targets,
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
      rowType.invalidate(after: error)
      caseType.invalidate(after: error)
      throw error
    }
  }

  /// Stores one group in a transaction of its own.
  func store(_ group: PredictionGroup, in database: Database) async throws -> PredictionGroup.Outcome {
    try await database.transaction(for: group.tenant, within: Self.largeTimeout) {
      try await store(group, in: $0)
    }
  }

  /// Stores one group in the caller's transaction: all of it or, if its dataset has changed before, nothing.
  ///
  /// The first block compares the revision. The dataset may change while others follow, which were computed before the change.
  ///
  /// - Throws: ``DatasetDeleted`` if the dataset is deleted while blocks follow; ``PostgreSQLError``.
  func store(_ group: PredictionGroup, in tx: Transaction) async throws -> PredictionGroup.Outcome {
    let types = PredictionRows.Types(
      row: try await rowType.oid(in: tx), attributed: try await caseType.oid(in: tx))
    let target = Target(group)
    do {
      // One block is sent while the next one is encoded.
      return try await withThrowingTaskGroup(of: Bool.self) { running in
        var row = 0
        while row < group.count {
          let rows = try PredictionRows(group.answers, from: row, size: Self.chunk, types: types)
          if try await running.next() == false { return .stale }
          let isFirst = row == 0
          row += rows.count
          running.addTask {
            let statement = Self.insert(
              rows, group.tenant, [target], counts: [rows.count], comparing: isFirst)
            let isStored = try await !tx.query(statement).isEmpty
            if !isStored, !isFirst { throw DatasetDeleted() }
            return isStored
          }
        }
        if try await running.next() == false { return .stale }
        // Last, since it locks a shared counter row.
        try await tx.query(PredictionCounting.add(group.count, group.tenant))
        return .stored
      }
    } catch {
      rowType.invalidate(after: error)
      caseType.invalidate(after: error)
      throw error
    }
  }

  /// The dataset was deleted after the first block of a group was stored. The transaction must be rolled back.
  struct DatasetDeleted: Error {}

  /// The text of the statement that depends on the type of its rows.
  private struct Columns {
    var list: String
    var qualified: String
    var type: String

    init(_ names: [String], of type: String) {
      list = names.joined(separator: ", ")
      qualified = names.map { "r.\($0)" }.joined(separator: ", ")
      self.type = type
    }
  }

  private static let rowColumns = Columns(
    PredictionColumn.rowColumns.map(\.rawValue), of: PredictionColumn.rowType)
  private static let caseColumns = Columns(
    PredictionColumn.rowColumns.map(\.rawValue) + AttributeColumn.ofPredictions.map(\.rawValue),
    of: PredictionColumn.caseType)

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
      threshold = group.answers.model.threshold
    }
  }

  /// The statement of one tenant. Its text does not depend on the numbers of datasets and rows, so a connection prepares it
  /// once.
  ///
  /// It locks each dataset's row once against deletion and compares the revision: nothing is stored for a dataset
  /// that was changed or deleted. It returns the positions of the targets that were current. The lock is the weakest, so that
  /// changes of settings and of the active model do not wait for predictions.
  ///
  /// - Parameters:
  ///   - rows: the rows of the first target, then those of the second, …
  ///   - counts: the number of rows of each target.
  ///   - comparing: whether the revision is compared; otherwise only whether the dataset is deleted.
  ///   - counting: the statement that counts the rows `stored`, unless a later one does.
  private static func insert(
    _ rows: PredictionRows, _ tenant: TenantID, _ targets: [Target], counts: [Int], comparing: Bool = true,
    counting: Query? = nil
  ) -> Query {
    var end = 0
    let ends = counts.map { count in
      end += count
      return end
    }
    let columns = rows.hasAttributes ? caseColumns : rowColumns
    let insert: Query = """
      WITH target AS MATERIALIZED (
        SELECT d.id, t.*
        FROM unnest(
          \(targets.map(\.dataset)), \(targets.map(\.revision)), \(targets.map { Int32($0.version) }),
          \(targets.map(\.threshold)), \(zip(ends, counts).map(-)), \(ends)
        ) WITH ORDINALITY t (dataset, revision, version, threshold, first, last, position)
        JOIN datasets d ON d.tenant_id = \(tenant) AND d.id = t.dataset
          \(unescaped: comparing ? "AND d.revision = t.revision" : "") AND d.writable AND d.deleted_at IS NULL
        ORDER BY d.id
        FOR KEY SHARE OF d
      ), stored AS (
        INSERT INTO predictions
          (tenant_id, dataset_id, model_version, threshold, \(unescaped: columns.list))
        SELECT \(tenant), t.id, t.version, t.threshold, \(unescaped: columns.qualified)
        FROM target t
        JOIN unnest(\(rows)::\(unescaped: columns.type)[]) WITH ORDINALITY
          r (\(unescaped: columns.list), number) ON r.number > t.first AND r.number <= t.last
        RETURNING 1
      )
      """
    let counted: Query = counting.map { ", counted AS (" + $0 + ")" } ?? ""
    return insert + counted + " SELECT position - 1 FROM target"
  }
}
