import Foundation
import Learning
import PostgreSQL

/// The statements that store groups of predictions, several tenants in one transaction and one round trip.
enum PredictionInsert {
  /// Stores all groups in one transaction; those whose dataset has changed since are left out.
  ///
  /// Equal groups of different callers (same dataset, same revision) share their statements.
  static func store(
    _ groups: [PredictionWriter.Group], in pool: ConnectionPool
  ) async throws -> [PredictionWriter.Outcome] {
    var merged: [Target: [Int]] = [:]
    for (index, group) in groups.enumerated() { merged[Target(group), default: []].append(index) }
    // Datasets are locked in one order everywhere, so that two flushes never wait for each other in a circle.
    let targets = merged.keys.sorted()
    var statements: [Query] = ["BEGIN"]
    var checks: [(statement: Int, target: Target)] = []
    var tenant: TenantID?
    for target in targets {
      if tenant != target.tenant {
        tenant = target.tenant
        statements.append(Database.setTenant(target.tenant))
      }
      let rows = (merged[target] ?? []).flatMap { groups[$0].rows }
      checks.append((statements.count, target))
      for chunk in chunks(rows) { statements.append(try insert(chunk, target)) }
    }
    statements.append("COMMIT")
    let results = try await pool.pipeline(statements)
    var outcomes = Array(repeating: PredictionWriter.Outcome.stored, count: groups.count)
    for (statement, target) in checks where results[statement].affectedRows == 0 {
      for index in merged[target] ?? [] { outcomes[index] = .stale }
    }
    return outcomes
  }

  /// Stores one group in the caller's transaction.
  static func store(
    _ group: PredictionWriter.Group, in tx: Transaction
  ) async throws -> PredictionWriter.Outcome {
    let results = try await tx.pipeline(try chunks(group.rows).map { try insert($0, Target(group)) })
    return results.contains { $0.affectedRows == 0 } ? .stale : .stored
  }

  /// Which rows can share a statement.
  private struct Target: Hashable, Comparable {
    var tenant: TenantID
    var dataset: Int
    var revision: Int
    var modelVersion: Int
    var threshold: Double

    init(_ group: PredictionWriter.Group) {
      tenant = group.tenant
      dataset = group.dataset
      revision = group.revision
      modelVersion = group.modelVersion
      threshold = group.threshold
    }

    static func < (l: Target, r: Target) -> Bool {
      (l.tenant.rawValue, l.dataset, l.revision) < (r.tenant.rawValue, r.dataset, r.revision)
    }
  }

  /// Rows in pieces of 128, 64, … 1: few shapes of statement, so that each is prepared once a connection.
  private static func chunks(_ rows: [NewPrediction]) -> [ArraySlice<NewPrediction>] {
    var chunks: [ArraySlice<NewPrediction>] = []
    var rest = rows[...]
    var size = 128
    while !rest.isEmpty {
      while size > rest.count { size /= 2 }
      chunks.append(rest.prefix(size))
      rest = rest.dropFirst(size)
    }
    return chunks
  }

  /// The row of the dataset is locked against deletion and compared with the revision that the answers came from:
  /// nothing is stored for a dataset that has changed or gone.
  private static func insert(_ rows: ArraySlice<NewPrediction>, _ target: Target) throws -> Query {
    var query: Query = """
      INSERT INTO predictions
        (tenant_id, dataset_id, model_version, threshold, id, label, probability, numbers, categories, warnings)
      SELECT d.tenant_id, d.id, \(Int32(target.modelVersion))::int, \(target.threshold)::float8, v.*
      FROM datasets d CROSS JOIN (VALUES
      """
    for (index, row) in rows.enumerated() {
      let warnings = try row.warnings.isEmpty ? nil : JSONB(row.warnings)
      let values: Query = """
        (\(row.id)::uuid, \(row.label)::bool, \(row.probability)::float8, \(row.row.numbers)::float8[],
        \(row.row.categories)::text[], \(warnings)::jsonb)
        """
      query = index == 0 ? query + values : query + ", " + values
    }
    return query + """
      ) AS v
      WHERE d.tenant_id = \(target.tenant) AND d.id = \(target.dataset) AND d.revision = \(target.revision)
        AND d.deleted_at IS NULL
      FOR KEY SHARE OF d
      """
  }
}
