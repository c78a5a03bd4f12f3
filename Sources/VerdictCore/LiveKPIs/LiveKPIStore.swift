package import Learning
package import PostgreSQL

/// The live KPIs of models: measured on their predictions that were labelled afterwards.
package struct LiveKPIStore: Sendable {
  private let database: Database
  private let datasets: DatasetStore
  private let recent = RecentMeasurements()

  /// The live KPIs in `database`.
  package init(database: Database) {
    self.database = database
    self.datasets = DatasetStore(database: database)
  }

  /// The KPIs of a version, including a deleted one, on its labelled predictions. `labels_used`, `positives` and
  /// `negatives` count those predictions; without any, every ratio is undefined.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  package func kpis(_ tenant: TenantID, dataset name: String, version: Int) async throws -> KPIs {
    try await database.transaction(for: tenant, readOnly: true) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      let rows = try await tx.query(
        """
        SELECT kpis FROM kpis
        WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND model_version = \(version)
        """)
      guard let row = rows.first else { throw DomainError.notFound(what: "model \(version)") }
      let threshold = try row.decode(JSONB.self).decode(KPIs.self).threshold
      return try await LiveMeasuring.kpis(
        tenant, dataset: dataset.id, version: version, threshold: threshold, in: tx)
    }
  }

  /// Checks the active model against the gate with the live KPIs of this moment.
  ///
  /// - Throws: ``DomainError/belowGate(metric:value:minimum:modelVersion:labels:)`` if the active model does not reach it.
  func checkGate(
    _ tenant: TenantID, _ dataset: Dataset, version: Int, validation: KPIs, asking tx: Transaction?
  ) async throws {
    guard let gate = dataset.settings.gate else { return }
    let measure: @Sendable (Transaction) async throws -> GateEvidence = { tx in
      try await LiveMeasuring.evidence(
        for: gate, tenant, dataset: dataset.id, version: version, validation: validation,
        recent: recent, in: tx)
    }
    let evidence: GateEvidence
    if let tx {
      evidence = try await measure(tx)
    } else {
      evidence = try await database.transaction(for: tenant, readOnly: true, measure)
    }
    try gate.check(evidence, modelVersion: version)
  }
}
