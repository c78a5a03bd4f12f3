package import Foundation
package import PostgreSQL

/// The stored predictions of datasets.
package struct PredictionStore: Sendable {
  let database: Database
  let datasets: DatasetStore
  let rankings = PacedReads<UncertaintyRanking.Subject, UncertaintyRanking.Version, UncertaintyRanking>()

  /// The predictions in `database`.
  package init(database: Database) {
    self.database = database
    self.datasets = DatasetStore(database: database)
  }

  /// The predictions of a dataset in some order, at most `limit`, and fewer if they reach ``PageBudget/bytes``. The order of
  /// uncertainty has the bounds of ``UncertaintyRanking``.
  ///
  /// - Throws: ``DomainError/notFound(what:)``, ``ReadTimeout``, ``ReadsBusy``.
  package func list(
    _ tenant: TenantID, dataset name: String, where filter: PredictionFilter, in order: PredictionOrder,
    limit: Int
  ) async throws -> (Dataset, [StoredPrediction]) {
    switch order {
    case .newest(let cursor):
      try await newest(tenant, dataset: name, where: filter, before: cursor, limit: limit)
    case .uncertainty(let cursor):
      try await mostUncertain(tenant, dataset: name, where: filter, after: cursor, limit: limit)
    }
  }

  private func newest(
    _ tenant: TenantID, dataset name: String, where filter: PredictionFilter, before cursor: UUID?, limit: Int
  ) async throws -> (Dataset, [StoredPrediction]) {
    try await database.read(for: tenant) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      let predictions = try await PageBudget.read(
        limit: limit, largest: dataset.largestRow, size: { dataset.rowText($0.row) }
      ) { (last: StoredPrediction?, count) in
        var query = PredictionColumn.select + Self.condition(tenant, dataset.id, filter)
        if let id = last?.id ?? cursor { query = query + " AND p.id < \(id)" }
        query = query + " ORDER BY p.id DESC LIMIT \(count)"
        return try await tx.query(query).map { try PredictionColumn.prediction($0) }
      }
      return (dataset, predictions)
    }
  }

  static func condition(_ tenant: TenantID, _ dataset: Int, _ filter: PredictionFilter) -> Query {
    var query: Query = "WHERE p.tenant_id = \(tenant) AND p.dataset_id = \(dataset)"
    if let version = filter.modelVersion { query = query + " AND p.model_version = \(version)" }
    if let reference = filter.reference { query = query + " AND p.reference = \(reference)" }
    if let group = filter.group { query = query + " AND p.group_name = \(group)" }
    // Ids begin with their time, so the index can skip the rest. The minute allows for clocks that differ between servers
    // and the database.
    if let from = filter.createdFrom {
      let first = UUID.lowest(at: from.addingTimeInterval(-60))
      query = query + " AND p.created_at >= \(from) AND p.id >= \(first)"
    }
    if let before = filter.createdBefore {
      let last = UUID.lowest(at: before.addingTimeInterval(60))
      query = query + " AND p.created_at < \(before) AND p.id < \(last)"
    }
    switch filter.labelled {
    case true: query = query + " AND l.id IS NOT NULL"
    case false: query = query + " AND l.id IS NULL"
    default: break
    }
    return query
  }

  /// One prediction.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  package func prediction(
    _ tenant: TenantID, dataset name: String, id: UUID
  ) async throws -> (Dataset, StoredPrediction) {
    try await database.read(for: tenant) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      return (dataset, try await Self.prediction(tenant, dataset: dataset.id, id: id, in: tx))
    }
  }

  static func prediction(
    _ tenant: TenantID, dataset: Int, id: UUID, in tx: some QueryExecutor
  ) async throws -> StoredPrediction {
    let rows = try await tx.query(
      PredictionColumn.select + "WHERE p.tenant_id = \(tenant) AND p.dataset_id = \(dataset) AND p.id = \(id)"
    )
    guard let row = rows.first else {
      throw DomainError.notFound(what: "prediction \(id.uuidString.lowercased())")
    }
    return try PredictionColumn.prediction(row)
  }
}
