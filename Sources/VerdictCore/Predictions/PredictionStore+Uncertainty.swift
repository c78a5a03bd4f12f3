import Foundation
import PostgreSQL

/// Lists of the most uncertain predictions.
extension PredictionStore {
  /// The smallest number of ranked predictions that are read at once.
  private static let block = 64

  /// The predictions of the filter that are nearest to their threshold, after a position of the ranking; at most `limit`, and
  /// fewer if they reach ``PageBudget/bytes``.
  ///
  /// The ranking may be older than the page. Predictions that the filter has left out since are left out of the page.
  func mostUncertain(
    _ tenant: TenantID, dataset name: String, where filter: PredictionFilter,
    after cursor: PredictionOrder.UncertaintyCursor?, limit: Int
  ) async throws -> (Dataset, [StoredPrediction]) {
    let (dataset, version) = try await database.read(for: tenant) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      return (dataset, try await UncertaintyRanking.version(tenant, dataset: dataset.id, in: tx))
    }
    let subject = UncertaintyRanking.Subject(tenant: tenant, dataset: dataset.id, filter: filter)
    let ranking = try await rankings.value(tenant, subject, version: version) { [database] in
      try await database.read(for: tenant) { try await UncertaintyRanking(subject, in: $0) }
    }
    return try await database.read(for: tenant) { tx in
      let found = try await PageBudget.read(
        limit: limit, largest: dataset.largestRow, size: { dataset.rowText($0.row) }
      ) { last, count in
        try await page(
          of: ranking, tenant, dataset, where: filter, after: last?.uncertainty ?? cursor, limit: count,
          in: tx)
      }
      return (dataset, found)
    }
  }

  private func page(
    of ranking: UncertaintyRanking, _ tenant: TenantID, _ dataset: Dataset, where filter: PredictionFilter,
    after cursor: PredictionOrder.UncertaintyCursor?, limit: Int, in tx: Transaction
  ) async throws -> [StoredPrediction] {
    var found: [StoredPrediction] = []
    var first = ranking.index(after: cursor)
    var size = max(limit, Self.block)
    while found.count < limit, first < ranking.count {
      let range = first..<min(first + size, ranking.count)
      let query =
        PredictionColumn.select + Self.condition(tenant, dataset.id, filter)
        + " AND p.id = ANY(\(ranking.ids(range))) ORDER BY abs(p.probability - p.threshold), p.id LIMIT \(limit - found.count)"
      found += try await tx.query(query).map { try PredictionColumn.prediction($0) }
      first = range.upperBound
      size *= 2
    }
    return found
  }
}
