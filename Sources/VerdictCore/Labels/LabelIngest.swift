package import PostgreSQL
package import RowFormats

/// Takes batches of labels in: all of a batch or nothing.
///
/// Rows without keys are stored block by block while the next ones are being read, each block as the parameter of one
/// statement. Rows with keys must be met in the order of all keys of the request: they go by binary COPY into a temporary
/// table of the connection (PostgreSQL refuses COPY into a table under row-level security: manual, COPY, “Notes”), and
/// from there into `labels` by one statement at the end.
package struct LabelIngest: Sendable {
  /// What became of a batch.
  package struct Outcome: Sendable, Equatable {
    /// New rows.
    package var inserted: Int
    /// Rows that replaced the row of their key.
    package var updated: Int
    /// All rows of the dataset afterwards.
    package var labelsStored: Int
    /// The automatic training that waits now.
    package var trainingJob: Int?
  }

  /// The rows of a request in its transaction: those without keys stored, the others in the temporary table.
  package struct Staged: Sendable {
    fileprivate var stored = 0
    fileprivate var positives = 0
    fileprivate var waiting = 0
  }

  private let datasets: DatasetStore
  private let autoTraining: AutoTraining
  private let rowType = CompositeType("label_row")

  /// Takes labels into `database`; a batch asks `autoTraining` whether a training is due.
  package init(database: Database, autoTraining: AutoTraining) {
    self.datasets = DatasetStore(database: database)
    self.autoTraining = autoTraining
  }

  /// Brings rows into the caller's transaction, which must be rolled back unless ``insert(_:_:dataset:in:)`` follows.
  ///
  /// - Parameter next: gives batch after batch, `nil` at the end; what it throws ends the transaction.
  package func stage(
    in tx: Transaction, _ tenant: TenantID, dataset: Dataset, next: @Sendable () async throws -> RowBatch?
  ) async throws -> Staged {
    // One batch on its way into the database while the next one is being read, and no further.
    try await withThrowingTaskGroup(of: Void.self) { running in
      var staged = Staged()
      while let batch = try await next() {
        try await running.waitForAll()
        // Once there was a key all the rest goes that way, so that ids follow the order of the request.
        if batch.keys != nil || staged.waiting > 0 {
          try await copy(batch, after: staged.waiting, in: tx)
          staged.waiting += batch.count
        } else {
          let isFirst = staged.stored == 0
          staged.stored += batch.count
          staged.positives += batch.outcomes.reduce(0) { $0 + Int($1) }
          running.addTask { try await store(batch, isFirst: isFirst, tenant, dataset, in: tx) }
        }
      }
      try await running.waitForAll()
      return staged
    }
  }

  /// Stores rows without keys, in their order.
  private func store(
    _ batch: RowBatch, isFirst: Bool, _ tenant: TenantID, _ dataset: Dataset, in tx: Transaction
  ) async throws {
    if isFirst { try await RowQuota.refuseEarly(tenant, adding: batch.count, in: tx) }
    let type = try await rowType.oid(in: tx)
    var row = 0
    do {
      while row < batch.count {
        let rows = LabelRows(batch, from: row, size: Self.chunk, type: type)
        row += rows.count
        try await tx.pipeline([
          // The transaction has its number before its rows have their ids: readers of changes rely on it (HighWaterMark).
          "SELECT pg_current_xact_id()",
          """
          INSERT INTO labels (tenant_id, dataset_id, label, numbers, categories)
          SELECT \(tenant), \(dataset.id), label, numbers, categories FROM unnest(\(rows)::label_row[])
          """,
        ])
      }
    } catch {
      rowType.forget(after: error)
      throw error
    }
  }

  /// Brings rows into the temporary table.
  private func copy(_ batch: RowBatch, after before: Int, in tx: Transaction) async throws {
    if before == 0 {
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
    }
    try await tx.copyIn("COPY pg_temp.label_staging FROM STDIN (FORMAT binary)") { writer in
      try await writer.write(LabelCopy.header)
      var row = 0
      while row < batch.count {
        let (bytes, end) = LabelCopy.encode(batch, before: before, from: row, size: Self.chunk)
        try await writer.write(bytes)
        row = end
      }
      try await writer.write(LabelCopy.trailer)
    }
  }

  /// Makes the rows the dataset's, whose features must still be those that they were read by.
  ///
  /// - Throws: ``DomainError/notFound(what:)`` when the dataset has gone meanwhile.
  package func insert(
    _ staged: Staged, _ tenant: TenantID, dataset read: Dataset, in tx: Transaction
  ) async throws -> Outcome {
    // The lock comes after the rows, so that a slow client delays nobody.
    let dataset = try await datasets.lock(tenant, read, in: tx)
    var inserted = staged.stored
    var updated = 0
    var change = CountChange(
      positives: staged.positives, negatives: staged.stored - staged.positives, changes: staged.stored)
    if staged.waiting > 0 {
      try await Self.lockOrder(tenant, dataset: dataset.id, exclusive: false, in: tx)
      let result = try await tx.query(Self.upsert(tenant, dataset.id)).single()
      let (newPositives, newNegatives, replaced, positiveChange) = try result.decode(
        Int.self, Int.self, Int.self, Int.self)
      inserted += newPositives + newNegatives
      updated = replaced
      change.positives += newPositives + positiveChange
      change.negatives += newNegatives - positiveChange
      change.changes += newPositives + newNegatives + replaced
    }
    let counts = try await LabelCounting.add(change, tenant, dataset: dataset.id, in: tx)
    let job = try await autoTraining.changed(tenant, dataset, counts: counts, in: tx)
    return Outcome(inserted: inserted, updated: updated, labelsStored: counts.stored, trainingJob: job)
  }

  /// Keeps transactions that meet many rows of a dataset in different orders from waiting for each other in a circle.
  ///
  /// Upserts meet rows in the order of their keys and may go together; deletions exclude them and each other.
  static func lockOrder(
    _ tenant: TenantID, dataset: Int, exclusive: Bool, in tx: some QueryExecutor
  ) async throws {
    try await tx.query(AdvisoryLock.labels(tenant, dataset: dataset, exclusive: exclusive))
  }

  /// How many bytes go to PostgreSQL at a time.
  private static let chunk = 512 << 10

  /// Answers with: new rows with label 1, new rows with label 0, replaced rows, and by how many the replacements changed
  /// the number of rows with label 1.
  private static func upsert(_ tenant: TenantID, _ dataset: Int) -> Query {
    // Ids follow the order of the request, though rows are met in the order of their keys: each has its id before that.
    // The sub-selects keep their order, since PostgreSQL merges none that sorts or calls a volatile function.
    """
    WITH stored AS (
      INSERT INTO labels AS l (tenant_id, dataset_id, id, label, numbers, categories, key)
      SELECT \(tenant), \(dataset), id, label, numbers, categories, key FROM (
        SELECT nextval('labels_id_seq') AS id, staged.*
        FROM (SELECT * FROM pg_temp.label_staging ORDER BY position) staged) numbered
      ORDER BY key
      ON CONFLICT (tenant_id, dataset_id, key) WHERE key IS NOT NULL DO UPDATE SET
        label = excluded.label, numbers = excluded.numbers, categories = excluded.categories,
        replaced_label = l.label, updated_at = now(), change_id = excluded.id
      RETURNING l.label, l.replaced_label)
    SELECT count(*) FILTER (WHERE replaced_label IS NULL AND label),
           count(*) FILTER (WHERE replaced_label IS NULL AND NOT label),
           count(replaced_label),
           count(*) FILTER (WHERE label AND NOT replaced_label) - count(*) FILTER (WHERE NOT label AND replaced_label)
    FROM stored
    """
  }
}
