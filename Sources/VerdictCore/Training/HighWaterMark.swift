import PostgreSQL

/// A point in the sequence of label ids, with the transactions that had not begun to write by then.
///
/// Writers obtain their xid before their first label id, since they lock the dataset's row or request the xid first.
/// So every xid ≥ ``horizon`` has label ids > ``position``, and change ids > ``position`` for the rows that it
/// changes: the sequence is read before the xid is allocated.
struct HighWaterMark: Sendable {
  /// The last label id that was allocated when the mark was made.
  var position: Int
  /// The xid of the transaction that made the mark, allocated after ``position`` was read.
  var horizon: Int

  /// Creates a mark and gives running transactions a moment to end, so that the next snapshot sees all labels up to
  /// the mark. If one takes longer, the next read uses an older mark.
  static func make(_ tenant: TenantID, in database: Database) async throws -> HighWaterMark {
    let mark = try await database.transaction(for: tenant, isolation: .readCommitted, readOnly: true) { tx in
      let position = try await tx.query(
        "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM labels_id_seq"
      ).single().decode(Int.self)
      // The xid is allocated instead of read: `pg_snapshot_xmax` is one above the highest completed xid (manual,
      // 9.27.10), and higher ones may have been allocated before the sequence was read.
      let horizon = try await tx.query("SELECT pg_current_xact_id()::text::bigint").single().decode(Int.self)
      return HighWaterMark(position: position, horizon: horizon)
    }
    for _ in 0..<10 {
      let oldest = try await database.transaction(for: tenant, isolation: .readCommitted, readOnly: true) {
        try await LabelSnapshot.current(in: $0).oldestRunning
      }
      if oldest >= mark.horizon { break }
      try await Task.sleep(for: .milliseconds(5))
    }
    return mark
  }
}

/// The transactions that a snapshot sees, and the run of PostgreSQL that allocated their xids.
struct LabelSnapshot: Sendable {
  /// Every lower xid had ended, and its writes are visible (`pg_snapshot_xmin`).
  var oldestRunning: Int
  /// The start time of PostgreSQL. After a restart, the xids may come from a restored backup.
  var serverStart: Double

  /// The snapshot of the caller's transaction.
  static func current(in tx: some QueryExecutor) async throws -> LabelSnapshot {
    let (oldest, start) = try await tx.query(
      """
      SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
             extract(epoch FROM pg_postmaster_start_time())::double precision
      """
    ).single().decode(Int.self, Double.self)
    return LabelSnapshot(oldestRunning: oldest, serverStart: start)
  }
}
