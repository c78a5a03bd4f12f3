import Learning
import PostgreSQL

/// The statements that store predictions, each with its rows as one array: small groups of several tenants in one
/// transaction and one round trip, large ones block by block in a transaction of their own.
struct PredictionInsert: Sendable {
  private let rowType = CompositeType("prediction_row")

  /// From how many rows on a group is stored by itself, so that it holds up nobody else's single answer.
  static let large = 128

  /// About how many bytes of rows a statement takes.
  private static let chunk = 512 << 10

  /// Stores all groups in one transaction; those whose dataset has changed since are left out.
  ///
  /// Groups of different callers (same dataset, same revision) share their statement.
  func store(_ groups: [PredictionGroup], in pool: ConnectionPool) async throws -> [PredictionGroup.Outcome] {
    let type = try await rowType.oid(in: pool)
    var merged: [Target: [Int]] = [:]
    for (index, group) in groups.enumerated() { merged[Target(group), default: []].append(index) }
    var statements: [Query] = ["BEGIN"]
    var checks: [(statement: Int, groups: [Int])] = []
    var tenant: TenantID?
    // Datasets are locked in one order everywhere, so that two flushes never wait for each other in a circle.
    for (target, members) in merged.sorted(by: { $0.key < $1.key }) {
      if tenant != target.tenant {
        tenant = target.tenant
        statements.append(Database.setTenant(target.tenant))
      }
      checks.append((statements.count, members))
      let rows = try PredictionRows(members.map { groups[$0].answers }, type: type)
      statements.append(Self.insert(rows, target))
    }
    statements.append("COMMIT")
    do {
      let results = try await pool.pipeline(statements)
      var outcomes = Array(repeating: PredictionGroup.Outcome.stored, count: groups.count)
      for (statement, members) in checks where results[statement].affectedRows == 0 {
        for index in members { outcomes[index] = .stale }
      }
      return outcomes
    } catch {
      rowType.forget(after: error)
      throw error
    }
  }

  /// Stores one group in a transaction of its own.
  func store(_ group: PredictionGroup, in database: Database) async throws -> PredictionGroup.Outcome {
    try await database.transaction(for: group.tenant) { try await store(group, in: $0) }
  }

  /// Stores one group in the caller's transaction: all of it or, if its dataset has changed since, nothing.
  func store(_ group: PredictionGroup, in tx: Transaction) async throws -> PredictionGroup.Outcome {
    let type = try await rowType.oid(in: tx)
    let target = Target(group)
    do {
      // One block on its way into the database while the next one is being written, and no further.
      return try await withThrowingTaskGroup(of: Int.self) { running in
        var row = 0
        while row < group.count {
          let rows = try PredictionRows(group.answers, from: row, size: Self.chunk, type: type)
          if try await running.next() == 0 { return .stale }
          // While further blocks follow, the dataset must stay as it is.
          let holds = row == 0 && rows.count < group.count
          row += rows.count
          running.addTask { try await tx.query(Self.insert(rows, target, holds: holds)).affectedRows }
        }
        return try await running.next() == 0 ? .stale : .stored
      }
    } catch {
      rowType.forget(after: error)
      throw error
    }
  }

  /// Which answers can share a statement.
  private struct Target: Hashable, Comparable {
    var tenant: TenantID
    var dataset: Int
    var revision: Int
    /// Who answered, and from which probability on the label is 1: the same for all answers of one revision.
    var version: Int
    var threshold: Double

    init(_ group: PredictionGroup) {
      tenant = group.tenant
      dataset = group.dataset
      revision = group.revision
      version = group.answers.model.version
      threshold = group.answers.model.model.threshold
    }

    static func < (l: Target, r: Target) -> Bool {
      (l.tenant.rawValue, l.dataset, l.revision) < (r.tenant.rawValue, r.dataset, r.revision)
    }
  }

  /// One statement, whatever the number of rows: it is prepared once a connection.
  ///
  /// The row of the dataset is locked against deletion, once and not for each row, and compared with the revision that the
  /// answers came from: nothing is stored for a dataset that has changed or gone. The rows affected are those of the tenant's
  /// count: one if predictions were stored, none if not.
  private static func insert(_ rows: PredictionRows, _ target: Target, holds: Bool = false) -> Query {
    """
    WITH stored AS (
    INSERT INTO predictions
      (tenant_id, dataset_id, model_version, threshold, id, label, probability, numbers, categories, warnings)
    SELECT d.tenant_id, d.id, \(Int32(target.version))::int, \(target.threshold)::float8, r.*
    FROM (
      SELECT tenant_id, id FROM datasets
      WHERE tenant_id = \(target.tenant) AND id = \(target.dataset) AND revision = \(target.revision)
        AND deleted_at IS NULL
      FOR \(unescaped: holds ? "SHARE" : "KEY SHARE")) d
    CROSS JOIN unnest(\(rows)::prediction_row[]) r
    RETURNING 1)

    """ + PredictionCounting.addStored(target.tenant)
  }
}
