public import PostgreSQL

/// Takes batches of labels in: all of a batch or nothing.
///
/// PostgreSQL refuses COPY into a table under row-level security (manual, COPY, “Notes”): rows go by binary COPY into a
/// temporary table of the connection, and from there into `labels` by one statement, which is also the place for
/// upserts.
public struct LabelIngest: Sendable {
  /// What became of a batch.
  public struct Outcome: Sendable, Equatable {
    /// New rows.
    public var inserted: Int
    /// Rows that replaced the row of their key.
    public var updated: Int
    /// All rows of the dataset afterwards.
    public var labelsStored: Int
    /// The automatic training that waits now.
    public var trainingJob: Int?
  }

  /// A batch that lies in the temporary table of a transaction.
  public struct Staged: Sendable {
    fileprivate var rows = 0
    fileprivate var hasKeys = false
  }

  private let database: Database
  private let datasets: DatasetStore
  private let autoTraining: AutoTraining

  /// Takes labels into `database`; a batch asks `autoTraining` whether a training is due.
  public init(database: Database, autoTraining: AutoTraining) {
    self.database = database
    self.datasets = DatasetStore(database: database)
    self.autoTraining = autoTraining
  }

  /// The dataset as rows for it are read.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  public func dataset(_ tenant: TenantID, named name: String) async throws -> Dataset {
    try await database.transaction(for: tenant, readOnly: true) { tx in
      try await datasets.dataset(tenant, named: name, in: tx)
    }
  }

  /// Brings rows into the temporary table of the caller's transaction.
  ///
  /// - Parameter next: gives batch after batch, `nil` at the end; what it throws ends the transaction.
  public func stage(
    in tx: Transaction, next: @Sendable () async throws -> RowBatch?
  ) async throws -> Staged {
    try await tx.pipeline([
      // The table may be there from an earlier transaction of the connection, which PostgreSQL would remark on.
      "SET LOCAL client_min_messages = warning",
      // Room to put the rows in order without going to disk, up to some hundred thousand.
      "SET LOCAL work_mem = '64MB'",
      """
      CREATE TEMPORARY TABLE IF NOT EXISTS label_staging (
        position bigint NOT NULL, label boolean NOT NULL, numbers double precision[] NOT NULL, categories text[] NOT NULL, key text
      ) ON COMMIT DELETE ROWS
      """,
    ])
    let staged = StagedRows()
    try await tx.copyIn("COPY pg_temp.label_staging FROM STDIN (FORMAT binary)") { writer in
      try await writer.write(LabelCopy.header)
      while let batch = try await next() {
        let before = staged.value.rows
        staged.add(batch)
        var row = 0
        while row < batch.count {
          let (bytes, end) = LabelCopy.encode(batch, before: before, from: row, size: Self.chunk)
          try await writer.write(bytes)
          row = end
        }
      }
      try await writer.write(LabelCopy.trailer)
    }
    return staged.value
  }

  /// Moves the staged rows into the dataset, whose features must still be those that they were read by.
  ///
  /// - Throws: ``DomainError/notFound(what:)`` when the dataset has gone meanwhile.
  public func insert(
    _ staged: Staged, _ tenant: TenantID, dataset read: Dataset, in tx: Transaction
  ) async throws -> Outcome {
    let dataset = try await datasets.dataset(tenant, named: read.name, lock: .keyShare, in: tx)
    guard dataset.id == read.id else { throw DomainError.notFound(what: "dataset \(read.name)") }
    if staged.hasKeys { try await Self.lockOrder(tenant, dataset: dataset.id, exclusive: false, in: tx) }
    let result = try await tx.query(Self.insertion(tenant, dataset.id, upsert: staged.hasKeys)).single()
    let (newPositives, newNegatives, updated, positiveChange) = try result.decode(
      Int.self, Int.self, Int.self, Int.self)
    let inserted = newPositives + newNegatives
    let counts = try await LabelCounting.add(
      CountChange(
        positives: newPositives + positiveChange, negatives: newNegatives - positiveChange,
        changes: inserted + updated),
      tenant, dataset: dataset.id, in: tx)
    let job = try await autoTraining.changed(tenant, dataset, counts: counts, in: tx)
    return Outcome(inserted: inserted, updated: updated, labelsStored: counts.stored, trainingJob: job)
  }

  /// Keeps transactions that meet many rows of a dataset in different orders from waiting for each other in a circle.
  ///
  /// Upserts meet rows in the order of their keys and may go together; deletions exclude them and each other.
  static func lockOrder(
    _ tenant: TenantID, dataset: Int, exclusive: Bool, in tx: some QueryExecutor
  ) async throws {
    let number = Int32(truncatingIfNeeded: dataset)
    if exclusive {
      try await tx.query("SELECT pg_advisory_xact_lock(\(tenant), \(number))")
    } else {
      try await tx.query("SELECT pg_advisory_xact_lock_shared(\(tenant), \(number))")
    }
  }

  /// How many bytes go to PostgreSQL at a time.
  private static let chunk = 256 << 10

  /// Answers with: new rows with label 1, new rows with label 0, replaced rows, and by how many the replacements changed
  /// the number of rows with label 1.
  private static func insertion(_ tenant: TenantID, _ dataset: Int, upsert: Bool) -> Query {
    // Ids follow the order of the request: COPY fills gaps in earlier pages, so the table's own order does not.
    let inOrder: Query =
      """
      WITH stored AS (
        INSERT INTO labels AS l (tenant_id, dataset_id, label, numbers, categories, key)
        SELECT \(tenant), \(dataset), label, numbers, categories, key FROM pg_temp.label_staging
        ORDER BY position

      """
    // Here, too, though rows are met in the order of their keys: each has its id before that. The sub-selects keep
    // their order, since PostgreSQL merges none that sorts or calls a volatile function.
    let onConflict: Query =
      """
      WITH stored AS (
        INSERT INTO labels AS l (tenant_id, dataset_id, id, label, numbers, categories, key)
        SELECT \(tenant), \(dataset), id, label, numbers, categories, key FROM (
          SELECT nextval('labels_id_seq') AS id, staged.*
          FROM (SELECT * FROM pg_temp.label_staging ORDER BY position) staged) numbered
        ORDER BY key
        ON CONFLICT (tenant_id, dataset_id, key) WHERE key IS NOT NULL DO UPDATE SET
          label = excluded.label, numbers = excluded.numbers, categories = excluded.categories,
          replaced_label = l.label, updated_at = now()

      """
    let answer: Query =
      """
        RETURNING l.label, l.replaced_label)
      SELECT count(*) FILTER (WHERE replaced_label IS NULL AND label),
             count(*) FILTER (WHERE replaced_label IS NULL AND NOT label),
             count(replaced_label),
             count(*) FILTER (WHERE label AND NOT replaced_label) - count(*) FILTER (WHERE NOT label AND replaced_label)
      FROM stored
      """
    return (upsert ? onConflict : inOrder) + answer
  }
}

/// Sums up batches while they are written. Used by the one task that writes them.
private final class StagedRows: @unchecked Sendable {
  // Sound: the closure of `copyIn` runs once, and what it leaves is read after it has returned.
  var value = LabelIngest.Staged()

  func add(_ batch: RowBatch) {
    value.rows += batch.count
    if batch.keys != nil { value.hasKeys = true }
  }
}
