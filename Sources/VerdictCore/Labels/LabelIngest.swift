package import PostgreSQL
package import RowFormats

/// Stores batches of labels, each completely or not at all.
///
/// Rows without keys are stored block by block, each as the parameter of one statement, while the next ones are read. Rows
/// with keys must be upserted in the order of all keys of the request: binary COPY stores them in a temporary table of the
/// connection (PostgreSQL refuses COPY into a table under row-level security: manual, COPY, “Notes”), from which one
/// statement at the end upserts them into `labels`.
package struct LabelIngest: Sendable {
  /// The result of a batch.
  package struct Outcome: Sendable, Equatable {
    /// New rows.
    package var inserted: Int
    /// Rows that replaced the row with their key.
    package var updated: Int
    /// The number of the dataset's rows afterwards.
    package var labelsStored: Int
    /// The queued automatic training, if any.
    package var trainingJob: Int?
  }

  /// The rows of a request in its transaction: rows without keys are stored, the others are in the temporary table.
  package struct StagedRows: Sendable {
    fileprivate var stored = 0
    fileprivate var positives = 0
    fileprivate var waiting = 0
  }

  private let datasets: DatasetStore
  private let autoTraining: AutoTraining
  private let rowType = CompositeType("label_row")
  /// The type of rows with attributes.
  private let caseType = CompositeType("label_case")

  /// Stores labels in `database`; `autoTraining` decides whether a batch makes a training due.
  package init(database: Database, autoTraining: AutoTraining) {
    self.datasets = DatasetStore(database: database)
    self.autoTraining = autoTraining
  }

  /// Sends rows in the caller's transaction, which must be rolled back unless ``insert(_:_:dataset:in:)`` follows.
  ///
  /// - Parameter next: returns batch after batch, `nil` at the end; an error ends the transaction.
  package func stage(
    in tx: Transaction, _ tenant: TenantID, dataset: Dataset, next: @Sendable () async throws -> RowBatch?
  ) async throws -> StagedRows {
    // One batch is sent while the next one is read.
    try await withThrowingTaskGroup(of: Void.self) { running in
      var staged = StagedRows()
      while let batch = try await next() {
        try await running.waitForAll()
        // After the first key all rows use the table, so that ids follow the order of the request.
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
    let hasAttributes = !batch.attributes.isEmpty
    let rowType = hasAttributes ? caseType : self.rowType
    let type = try await rowType.oid(in: tx)
    var row = 0
    do {
      while row < batch.count {
        let rows = LabelRows(batch, from: row, size: Self.chunk, type: type)
        row += rows.count
        try await tx.pipeline([
          // The transaction obtains its xid before its rows have ids, which readers of changes rely on (HighWaterMark).
          "SELECT pg_current_xact_id()",
          hasAttributes
            ? """
            INSERT INTO labels (tenant_id, dataset_id, label, numbers, categories, \(unescaped: AttributeColumn.names))
            SELECT \(tenant), \(dataset.id), label, numbers, categories, \(unescaped: AttributeColumn.names)
            FROM unnest(\(rows)::label_case[])
            """
            : """
            INSERT INTO labels (tenant_id, dataset_id, label, numbers, categories)
            SELECT \(tenant), \(dataset.id), label, numbers, categories FROM unnest(\(rows)::label_row[])
            """,
        ])
      }
    } catch {
      rowType.invalidate(after: error)
      throw error
    }
  }

  /// Copies rows into the temporary table.
  private func copy(_ batch: RowBatch, after before: Int, in tx: Transaction) async throws {
    if before == 0 {
      try await tx.pipeline([
        // The table may exist from an earlier transaction of the connection, for which PostgreSQL sends a notice.
        "SET LOCAL client_min_messages = warning",
        // Enough memory to sort some hundred thousand rows.
        "SET LOCAL work_mem = '64MB'",
        """
        CREATE TEMPORARY TABLE IF NOT EXISTS label_staging (
          position bigint NOT NULL, label boolean NOT NULL, numbers double precision[] NOT NULL, categories text[] NOT NULL, key text,
          occurred_at timestamptz, group_name text, reference text, weight double precision, split text
        ) ON COMMIT DELETE ROWS
        """,
      ])
    }
    let columns = StagedLabelRows.columns(of: batch)
    try await tx.copyIn("COPY pg_temp.label_staging (\(unescaped: columns)) FROM STDIN (FORMAT binary)") {
      writer in
      try await writer.write(BinaryCopyWriter.header)
      var row = 0
      while row < batch.count {
        let (bytes, end) = StagedLabelRows.encode(batch, before: before, from: row, size: Self.chunk)
        try await writer.write(bytes)
        row = end
      }
      try await writer.write(BinaryCopyWriter.trailer)
    }
  }

  /// Completes the batch: upserts the staged rows, updates the counts and decides about a training.
  ///
  /// - Parameter read: the dataset by whose schema the rows were parsed.
  /// - Throws: ``DomainError/notFound(what:)`` if the dataset was deleted.
  package func insert(
    _ staged: StagedRows, _ tenant: TenantID, dataset read: Dataset, in tx: Transaction
  ) async throws -> Outcome {
    // The dataset is locked after the rows were sent, so that a slow client does not block others.
    let dataset = try await datasets.lock(tenant, read, in: tx)
    var inserted = staged.stored
    var updated = 0
    var counts = CountChange(
      positives: staged.positives, negatives: staged.stored - staged.positives, changes: staged.stored)
    if staged.waiting > 0 {
      try await Self.lockOrder(tenant, dataset: dataset.id, exclusive: false, in: tx)
      let result = try await tx.query(Self.upsert(tenant, dataset.id)).single()
      let (newPositives, newNegatives, replaced, positiveChange) = try result.decode(
        Int.self, Int.self, Int.self, Int.self)
      inserted += newPositives + newNegatives
      updated = replaced
      counts.positives += newPositives + positiveChange
      counts.negatives += newNegatives - positiveChange
      counts.changes += newPositives + newNegatives + replaced
    }
    let (stored, job) = try await LabelChange(counts: counts).settle(tenant, dataset, autoTraining, in: tx)
    return Outcome(inserted: inserted, updated: updated, labelsStored: stored.stored, trainingJob: job)
  }

  /// Prevents deadlocks between transactions that change many rows of a dataset in different orders. Upserts, which
  /// run in the order of the keys, may run concurrently; deletions exclude them and each other.
  ///
  /// - Parameter limit: how long to wait for the others, since the transaction holds a connection meanwhile. Afterwards it fails
  ///   with SQLSTATE 55P03.
  static func lockOrder(
    _ tenant: TenantID, dataset: Int, exclusive: Bool, within limit: Duration? = nil,
    in tx: some QueryExecutor
  ) async throws {
    let lock = AdvisoryLock.labels(tenant, dataset: dataset, exclusive: exclusive)
    guard let limit else {
      try await tx.query(lock)
      return
    }
    let milliseconds = String(Int(limit / .milliseconds(1)))
    try await tx.pipeline([
      "SET LOCAL lock_timeout = \(unescaped: milliseconds)", lock, "SET LOCAL lock_timeout TO DEFAULT",
    ])
  }

  /// How long the deletion of one label waits for uploads with keys and for other deletions.
  static let patience = Duration.seconds(2)
  /// How long a deletion of many labels waits.
  static let longPatience = Duration.seconds(10)

  /// The size in bytes of the blocks that are sent to PostgreSQL.
  private static let chunk = 512 << 10

  /// Returns the numbers of new rows with label 1, of new rows with label 0 and of replaced rows, and the change that the
  /// replacements make to the number of rows with label 1.
  private static func upsert(_ tenant: TenantID, _ dataset: Int) -> Query {
    // Each row has its id before the sort by key, so that ids follow the order of the request. The sub-selects keep their
    // order, since PostgreSQL flattens none that sorts or calls a volatile function.
    """
    WITH stored AS (
      INSERT INTO labels AS l (tenant_id, dataset_id, id, label, numbers, categories, key, \(unescaped: AttributeColumn.names))
      SELECT \(tenant), \(dataset), id, label, numbers, categories, key, \(unescaped: AttributeColumn.names) FROM (
        SELECT nextval('labels_id_seq') AS id, staged.*
        FROM (SELECT * FROM pg_temp.label_staging ORDER BY position) staged) numbered
      ORDER BY key
      ON CONFLICT (tenant_id, dataset_id, key) WHERE key IS NOT NULL DO UPDATE SET
        label = excluded.label, numbers = excluded.numbers, categories = excluded.categories,
        occurred_at = excluded.occurred_at, group_name = excluded.group_name, reference = excluded.reference,
        weight = excluded.weight, split = excluded.split,
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
