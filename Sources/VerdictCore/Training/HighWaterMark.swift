import PostgreSQL

/// A moment in the writing of labels: where the sequence of their ids stood, and which transactions were still to come.
///
/// Whoever writes labels has its transaction number before its first label has an id: it locks the dataset's row first,
/// or asks for the number.
/// So the labels of every transaction whose number is at least ``horizon`` have higher ids than ``position``, and
/// higher change ids where they change a row: the sequence is looked at before the numbers are.
struct HighWaterMark: Sendable {
  /// The last id that had been given when the mark was made.
  var position: Int
  /// A transaction number that was given thereafter, to the transaction that made the mark.
  var horizon: Int

  /// Makes a mark, and gives transactions that are at it a moment to end, so that a snapshot that is taken next sees all
  /// that the mark has passed. If one takes longer, an older mark serves the next reading.
  static func make(_ tenant: TenantID, in database: Database) async throws -> HighWaterMark {
    let mark = try await database.transaction(for: tenant, isolation: .readCommitted, readOnly: true) { tx in
      let position = try await tx.query(
        "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM labels_id_seq"
      ).single().decode(Int.self)
      // Taken, not looked at: `pg_snapshot_xmax` is the number after the last that has ended (manual, 9.27.10), and others
      // above it may have been given before the look at the sequence.
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

/// What a transaction sees of others, and of which run of PostgreSQL the numbers are.
struct LabelSnapshot: Sendable {
  /// All transactions with lower numbers had ended: what they wrote is seen (`pg_snapshot_xmin`).
  var oldestRunning: Int
  /// When PostgreSQL was started: after a start, numbers may be those of a restored backup.
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
