import Foundation
import Learning
import PostgreSQL

/// The predictions of a version without a known outcome, counted by decision.
struct UnknownOutcomes: Sendable, Equatable {
  /// The cases that are counted.
  struct Period: Sendable, Hashable {
    /// The time from which on cases count; `nil` for all.
    var since: Date?
    /// The days before which no outcome is expected; `nil` if outcomes may come at once.
    var outcomeAfterDays: Int?
  }

  /// Predictions that are old enough to have an outcome, those that expired without one included.
  private(set) var unlabelled = DecisionCounts()
  /// Younger ones.
  private(set) var tooYoung = DecisionCounts()
  /// All predictions that were read and are old enough to have an outcome, labelled or not.
  private var considered = DecisionCounts()
  /// Whether older predictions were not read.
  private var isPartial = false

  /// The number of predictions that are read for live KPIs that somebody asks for, the newest of the dataset.
  static let mostForReaders = 1_000_000
  /// The number of predictions that are read for a gate.
  static let mostForGates = 100_000

  /// Counts the predictions of a version. They are read by the index of their ids, from the training of the version on.
  ///
  /// - Parameter most: the largest number of predictions that are read, the newest of the dataset. Beyond it, the share of the
  ///   decisions is theirs, and older predictions do not count as unknown.
  init(
    _ tenant: TenantID, dataset: Int, version: Int, _ period: Period, atMost most: Int, in tx: Transaction
  ) async throws {
    guard let first = try await Self.firstID(tenant, dataset: dataset, version: version, in: tx) else {
      return
    }
    let since: Query = period.since.map { "AND p.at >= \($0)" } ?? ""
    let young: Query =
      period.outcomeAfterDays.map { "p.at > now() - make_interval(days => \(Int32($0)))" } ?? "false"
    let condition: Query = "p.model_version = \(version) " + since
    let counts: Query = """
      SELECT p.label, count(*), count(*) FILTER (WHERE c.counts AND (l.id IS NOT NULL OR NOT c.young)),
             count(*) FILTER (WHERE c.counts AND l.id IS NULL AND NOT c.young),
             count(*) FILTER (WHERE c.counts AND l.id IS NULL AND c.young)
      FROM (
        SELECT id, label, model_version, coalesce(occurred_at, created_at) AS at FROM predictions
        WHERE tenant_id = \(tenant) AND dataset_id = \(dataset) AND id >= \(first) ORDER BY id DESC LIMIT \(most)
      ) p
      LEFT JOIN labels l ON l.tenant_id = \(tenant) AND l.dataset_id = \(dataset) AND l.model_version = \(version)
        AND l.prediction_id = p.id
      CROSS JOIN LATERAL (SELECT
      """
    var read = 0
    for row in try await tx.query(
      counts + " " + condition + " AS counts, " + young + " AS young) c GROUP BY p.label")
    {
      let (decision, all, considered, unlabelled, young) = try row.decode(
        Bool.self, Int.self, Int.self, Int.self, Int.self)
      read += all
      self.considered[decision] = considered
      self.unlabelled[decision] = unlabelled
      tooYoung[decision] = young
    }
    isPartial = read >= most
    if !isPartial {
      try await addExpired(tenant, dataset: dataset, version: version, period, in: tx)
    }
  }

  /// Adds the predictions that expired without a label. The day of `since` counts whole.
  private mutating func addExpired(
    _ tenant: TenantID, dataset: Int, version: Int, _ period: Period, in tx: Transaction
  ) async throws {
    let since: Query = period.since.map { " AND day >= (\($0)::timestamptz AT TIME ZONE 'UTC')::date" } ?? ""
    let days: Query =
      period.outcomeAfterDays.map { "day + \(Int32($0)) >= (now() AT TIME ZONE 'UTC')::date" } ?? "false"
    let row = try await tx.query(
      """
      SELECT coalesce(sum(decided_0) FILTER (WHERE NOT c.young), 0)::bigint,
             coalesce(sum(decided_1) FILTER (WHERE NOT c.young), 0)::bigint,
             coalesce(sum(decided_0) FILTER (WHERE c.young), 0)::bigint,
             coalesce(sum(decided_1) FILTER (WHERE c.young), 0)::bigint
      FROM expired_predictions CROSS JOIN LATERAL (SELECT
      """ + " " + days + " AS young) c " + """
        WHERE tenant_id = \(tenant) AND dataset_id = \(dataset) AND model_version = \(version)
        """ + since
    ).single()
    let (zeros, ones, youngZeros, youngOnes) = try row.decode(Int.self, Int.self, Int.self, Int.self)
    unlabelled = unlabelled + DecisionCounts(zeros: zeros, ones: ones)
    tooYoung = tooYoung + DecisionCounts(zeros: youngZeros, ones: youngOnes)
  }

  /// All predictions by decision, for which the labelled ones stand.
  ///
  /// A decision of which nothing is known counts with its young predictions, so that the labelled ones of the other decision do not
  /// pass for all. With ``isPartial``, the totals have the shares of the predictions that were read.
  ///
  /// - Parameter matrix: the labelled predictions.
  func total(_ matrix: ConfusionMatrix) -> DecisionCounts {
    let labelled = DecisionCounts(matrix)
    var total = labelled + unlabelled
    if isPartial {
      var scale = 1.0
      for decision in [false, true] where considered[decision] > 0 {
        scale = max(scale, Double(labelled[decision]) / Double(considered[decision]))
      }
      for decision in [false, true] {
        total[decision] = max(labelled[decision], Int((Double(considered[decision]) * scale).rounded()))
      }
    }
    for decision in [false, true] where total[decision] == 0 { total[decision] = tooYoung[decision] }
    return total
  }

  /// Whether the predictions since the training of a version are more than the transaction of a label should count.
  static func areMany(
    _ tenant: TenantID, dataset: Int, version: Int, than most: Int, in tx: Transaction
  ) async throws -> Bool {
    guard let first = try await firstID(tenant, dataset: dataset, version: version, in: tx) else {
      return false
    }
    return try await tx.query(
      """
      SELECT count(*) FROM (
        SELECT FROM predictions
        WHERE tenant_id = \(tenant) AND dataset_id = \(dataset) AND id >= \(first) LIMIT \(most + 1)
      ) p
      """
    ).single().decode(Int.self) > most
  }

  /// The lower bound of the ids of a version's predictions; `nil` if there is no such version. The minute allows for clocks that
  /// differ between servers and the database.
  private static func firstID(
    _ tenant: TenantID, dataset: Int, version: Int, in tx: Transaction
  ) async throws -> UUID? {
    try await tx.query(
      """
      SELECT trained_at FROM kpis
      WHERE tenant_id = \(tenant) AND dataset_id = \(dataset) AND model_version = \(version)
      """
    ).first.map { UUID.lowest(at: try $0.decode(Date.self).addingTimeInterval(-60)) }
  }
}
