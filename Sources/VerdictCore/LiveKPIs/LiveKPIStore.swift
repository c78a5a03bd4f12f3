package import Foundation
import Learning
package import PostgreSQL

/// The live KPIs of models: measured on their predictions that were labelled afterwards.
package struct LiveKPIStore: Sendable {
  private let database: Database
  private let datasets: DatasetStore
  private let recent = RecentMeasurements()
  private let measured = PacedReads<Subject, UncertaintyRanking.Version, LiveKPIs>()

  private struct Subject: Hashable {
    var tenant: TenantID
    var dataset: Int
    var version: Int
    var period: UnknownOutcomes.Period
  }

  /// The live KPIs in `database`.
  package init(database: Database) {
    self.database = database
    self.datasets = DatasetStore(database: database)
  }

  /// The KPIs of a version, including a deleted one, on its labelled predictions, which stand for all of its predictions.
  /// `labels_used`, `positives` and `negatives` count the labelled ones; without any, every ratio is undefined.
  ///
  /// - Parameter since: the time from which on cases are measured; `nil` for all.
  /// - Throws: ``DomainError/notFound(what:)``, ``ReadTimeout``, ``ReadsBusy``.
  package func kpis(
    _ tenant: TenantID, dataset name: String, version: Int, since: Date? = nil
  ) async throws -> LiveKPIs {
    let (subject, threshold, state) = try await database.read(for: tenant) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      let rows = try await tx.query(
        """
        SELECT kpis FROM kpis
        WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND model_version = \(version)
        """)
      guard let row = rows.first else { throw DomainError.notFound(what: "model \(version)") }
      let period = UnknownOutcomes.Period(since: since, outcomeAfterDays: dataset.settings.outcomeAfterDays)
      return (
        Subject(tenant: tenant, dataset: dataset.id, version: version, period: period),
        try row.decode(JSONB.self).decode(KPIs.self).threshold,
        try await UncertaintyRanking.version(tenant, dataset: dataset.id, in: tx)
      )
    }
    return try await measured.value(tenant, subject, version: state) { [database] in
      try await database.read(for: tenant) { tx in
        try await LiveMeasuring.kpis(
          tenant, dataset: subject.dataset, version: version, threshold: threshold, subject.period,
          counting: UnknownOutcomes.mostForReaders, in: tx)
      }
    }
  }

  /// Checks the active model against the gate with the live KPIs of this moment.
  ///
  /// - Throws: ``DomainError/belowGate(_:)`` if the active model does not reach it.
  func checkGate(
    _ tenant: TenantID, _ dataset: Dataset, version: Int, validation: KPIs, asking tx: Transaction?
  ) async throws {
    guard let gate = dataset.settings.gate else { return }
    let measure: @Sendable (Transaction) async throws -> GateEvidence = { tx in
      try await LiveMeasuring.evidence(
        for: gate, outcomeAfterDays: dataset.settings.outcomeAfterDays, tenant, dataset: dataset.id,
        version: version, validation: validation, recent: recent, in: tx)
    }
    let evidence: GateEvidence
    if let tx {
      evidence = try await measure(tx)
    } else {
      evidence = try await database.read(for: tenant, measure)
    }
    try gate.check(evidence, modelVersion: version)
  }
}
