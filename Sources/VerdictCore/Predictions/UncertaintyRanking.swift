import Foundation
import PostgreSQL

/// The most uncertain of a dataset's newest predictions that match a filter, in the order of uncertainty.
///
/// An index in this order would cost every stored prediction, and could not leave out labelled ones. The ranking costs nothing
/// until somebody asks for it, and a bounded amount then: it reads the newest ``considered`` predictions of the filter's period by
/// the index of their ids.
struct UncertaintyRanking: Sendable {
  /// A ranking is for one of these.
  struct Subject: Hashable {
    /// The tenant.
    var tenant: TenantID
    /// The dataset's id.
    var dataset: Int
    /// The predictions that are ranked.
    var filter: PredictionFilter
  }

  /// The state of the rows that a ranking reflects.
  struct Version: Equatable {
    /// The newest prediction.
    var newest: UUID?
    /// The number of changes of labels.
    var changes: Int
  }

  /// The number of predictions that are ranked, the newest of the filter's period.
  static let considered = 100_000
  /// The number of predictions that a ranking keeps.
  static let kept = 10_000

  private let positions: [PredictionOrder.UncertaintyCursor]

  /// The number of predictions.
  var count: Int { positions.count }

  /// Reads a ranking.
  init(_ subject: Subject, in tx: Transaction) async throws {
    let (tenant, dataset) = (subject.tenant, subject.dataset)
    var period = PredictionFilter()
    period.createdFrom = subject.filter.createdFrom
    period.createdBefore = subject.filter.createdBefore
    // The labels are joined only for a filter that needs them.
    let labels: Query =
      subject.filter.labelled == nil
      ? ""
      : " LEFT JOIN labels l ON l.tenant_id = p.tenant_id AND l.dataset_id = p.dataset_id AND l.prediction_id = p.id "
    let newest: Query =
      """
      SELECT p.id, abs(p.probability - p.threshold) AS distance FROM (
        SELECT p.tenant_id, p.dataset_id, p.id, p.created_at, p.model_version, p.probability, p.threshold, p.reference, p.group_name,
               p.occurred_at
        FROM predictions p
      """ + " " + PredictionStore.condition(tenant, dataset, period)
      + " ORDER BY p.id DESC LIMIT \(Self.considered)) p" + labels
    positions = try await tx.query(
      newest + " " + PredictionStore.condition(tenant, dataset, subject.filter)
        + " ORDER BY distance, p.id LIMIT \(Self.kept)"
    ).map { row in
      let (id, distance) = try row.decode(UUID.self, Double.self)
      return PredictionOrder.UncertaintyCursor(distance: distance, id: id)
    }
  }

  /// The state of a dataset's predictions and labels.
  static func version(_ tenant: TenantID, dataset: Int, in tx: Transaction) async throws -> Version {
    let newest = try await tx.query(
      """
      SELECT id FROM predictions WHERE tenant_id = \(tenant) AND dataset_id = \(dataset) ORDER BY id DESC LIMIT 1
      """
    ).first?.decode(UUID.self)
    return Version(
      newest: newest, changes: try await LabelCounting.counts(tenant, dataset: dataset, in: tx).changes)
  }

  /// The index of the first prediction after a position; without one, of the first.
  func index(after cursor: PredictionOrder.UncertaintyCursor?) -> Int {
    guard let cursor else { return 0 }
    var (low, high) = (0, positions.count)
    while low < high {
      let middle = (low + high) / 2
      if cursor.precedes(positions[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// The ids at the indices of a range.
  func ids(_ range: Range<Int>) -> [UUID] { positions[range].map(\.id) }
}

extension PredictionOrder.UncertaintyCursor {
  /// Whether this position comes before another one, as PostgreSQL sorts them.
  fileprivate func precedes(_ other: Self) -> Bool {
    if distance != other.distance { return distance < other.distance }
    return withUnsafeBytes(of: id.uuid) { own in
      withUnsafeBytes(of: other.id.uuid) { own.lexicographicallyPrecedes($0) }
    }
  }
}
