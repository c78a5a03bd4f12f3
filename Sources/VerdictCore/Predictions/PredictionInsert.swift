import Foundation
import Learning
import PostgreSQL

/// The statements that store small groups of predictions, several tenants in one transaction and one round trip.
enum PredictionInsert {
  /// Stores all groups in one transaction; those whose dataset has changed since are left out.
  ///
  /// Groups of different callers (same dataset, same revision) share their statements.
  static func store(
    _ groups: [PredictionGroup], in pool: ConnectionPool
  ) async throws -> [PredictionGroup.Outcome] {
    var merged: [Target: [Int]] = [:]
    for (index, group) in groups.enumerated() { merged[Target(group), default: []].append(index) }
    // Datasets are locked in one order everywhere, so that two flushes never wait for each other in a circle.
    let targets = merged.keys.sorted()
    var statements: [Query] = ["BEGIN"]
    var checks: [(statement: Int, groups: ArraySlice<Int>)] = []
    var tenant: TenantID?
    for target in targets {
      if tenant != target.tenant {
        tenant = target.tenant
        statements.append(Database.setTenant(target.tenant))
      }
      for part in parts(merged[target] ?? [], of: groups) {
        checks.append((statements.count, part))
        statements.append(try insert(part.map { groups[$0].answers }, target))
      }
    }
    statements.append("COMMIT")
    let results = try await pool.pipeline(statements)
    var outcomes = Array(repeating: PredictionGroup.Outcome.stored, count: groups.count)
    for (statement, part) in checks where results[statement].affectedRows == 0 {
      for index in part { outcomes[index] = .stale }
    }
    return outcomes
  }

  /// Stores one group in the caller's transaction.
  static func store(_ group: PredictionGroup, in tx: Transaction) async throws -> PredictionGroup.Outcome {
    try await tx.query(try insert([group.answers], Target(group))).affectedRows == 0 ? .stale : .stored
  }

  /// Which answers can share a statement.
  private struct Target: Hashable, Comparable {
    var tenant: TenantID
    var dataset: Int
    var revision: Int

    init(_ group: PredictionGroup) {
      tenant = group.tenant
      dataset = group.dataset
      revision = group.revision
    }

    static func < (l: Target, r: Target) -> Bool {
      (l.tenant.rawValue, l.dataset, l.revision) < (r.tenant.rawValue, r.dataset, r.revision)
    }
  }

  /// How many rows a statement should have at most: the time for cutting a row's values out of the parameters grows with
  /// their number.
  private static let rowsPerStatement = 64

  /// The groups by statement. A group is never parted: the dataset may change between two statements, also of one
  /// transaction, and then one of them would store its rows and the other would not.
  private static func parts(_ indices: [Int], of groups: [PredictionGroup]) -> [ArraySlice<Int>] {
    var parts: [ArraySlice<Int>] = []
    var (start, rows) = (0, 0)
    for (position, index) in indices.enumerated() {
      if rows > 0, rows + groups[index].count > rowsPerStatement {
        parts.append(indices[start..<position])
        (start, rows) = (position, 0)
      }
      rows += groups[index].count
    }
    parts.append(indices[start...])
    return parts
  }

  /// One statement, whatever the number of rows: it is prepared once a connection.
  ///
  /// The row of the dataset is locked against deletion and compared with the revision that the answers came from:
  /// nothing is stored for a dataset that has changed or gone. The rows affected are those of the tenant's count: one if
  /// predictions were stored, none if not.
  private static func insert(_ groups: [PredictionAnswers], _ target: Target) throws -> Query {
    var columns = PredictionColumns()
    for answers in groups {
      for row in 0..<answers.count { try columns.append(answers, row) }
    }
    return """
      WITH stored AS (
      INSERT INTO predictions
        (tenant_id, dataset_id, model_version, threshold, id, label, probability, numbers, categories, warnings)
      SELECT d.tenant_id, d.id, \(columns.version)::int, \(columns.threshold)::float8, v.id, v.label,
             v.probability, (\(columns.numbers)::float8[])[(v.n::int - 1) * \(columns.numberSlots) + 1 : v.n::int * \(columns.numberSlots)],
             (\(columns.categories)::text[])[(v.n::int - 1) * \(columns.categorySlots) + 1 : v.n::int * \(columns.categorySlots)],
             v.warnings
      FROM datasets d
      CROSS JOIN unnest(\(columns.ids)::uuid[], \(columns.labels)::bool[], \(columns.probabilities)::float8[],
                        \(columns.warnings)::jsonb[]) WITH ORDINALITY AS v(id, label, probability, warnings, n)
      WHERE d.tenant_id = \(target.tenant) AND d.id = \(target.dataset) AND d.revision = \(target.revision)
        AND d.deleted_at IS NULL
      FOR KEY SHARE OF d
      RETURNING 1)

      """ + PredictionCounting.addStored(target.tenant)
  }
}

/// Rows of answers by column, as parameters of a statement.
private struct PredictionColumns {
  var ids: [UUID] = []
  var labels: [Bool] = []
  var probabilities: [Double] = []
  var warnings: [JSONB?] = []
  var numbers = NumberColumn()
  var categories = NameColumn()
  /// Who answered, and from which probability on the label is 1; the same for all rows of one state of a dataset.
  var version: Int32 = 0
  var threshold = 0.0
  /// Numbers and names a row has; the same for all rows of one state of a dataset.
  var numberSlots: Int32 = 0
  var categorySlots: Int32 = 0

  mutating func append(_ answers: PredictionAnswers, _ row: Int) throws {
    let rows = answers.rows
    version = Int32(answers.model.version)
    threshold = answers.model.model.threshold
    numberSlots = Int32(rows.numberSlots)
    categorySlots = Int32(rows.categorySlots)
    ids.append(answers.ids[row])
    labels.append(answers.label(row))
    probabilities.append(answers.probabilities[row])
    warnings.append(try answers.warnings[row].map { try JSONB($0) })
    numbers.values += rows.numbers[row * rows.numberSlots..<(row + 1) * rows.numberSlots]
    for index in row * rows.categorySlots..<(row + 1) * rows.categorySlots {
      categories.names.append(rows.categories[index])
    }
  }
}

/// Numbers of rows one after another, as float8[]; NaN becomes NULL.
private struct NumberColumn: PostgresEncodable {
  static let postgresType = PostgresType.float8Array
  var values: [Double] = []

  func encode(into bytes: inout [UInt8]) {
    bytes.appendBigEndian(UInt32(values.isEmpty ? 0 : 1))
    let flag = bytes.count
    bytes.appendBigEndian(UInt32(0))
    bytes.appendBigEndian(PostgresType.float8.rawValue)
    guard !values.isEmpty else { return }
    bytes.appendBigEndian(UInt32(values.count))
    bytes.appendBigEndian(UInt32(1))
    for value in values {
      if value.isNaN {
        bytes[flag + 3] = 1
        bytes.appendBigEndian(UInt32.max)
      } else {
        bytes.appendBigEndian(UInt32(8))
        bytes.appendBigEndian(value.bitPattern)
      }
    }
  }
}

/// Names of rows one after another, as text[].
private struct NameColumn: PostgresEncodable {
  static let postgresType = PostgresType.textArray
  var names: [String?] = []

  func encode(into bytes: inout [UInt8]) { names.encode(into: &bytes) }
}
