package import Learning
package import PostgreSQL

/// The live KPIs of models: measured on their predictions that were labelled afterwards.
package struct LiveKPIStore: Sendable {
  private let database: Database
  private let datasets: DatasetStore
  private let recent = RecentMeasurements()
  private let measured = PacedReads<Subject, Int, KPIs>()

  private struct Subject: Hashable {
    var tenant: TenantID
    var dataset: Int
    var version: Int
  }

  /// The live KPIs in `database`.
  package init(database: Database) {
    self.database = database
    self.datasets = DatasetStore(database: database)
  }

  /// The KPIs of a version, including a deleted one, on its labelled predictions. `labels_used`, `positives` and
  /// `negatives` count those predictions; without any, every ratio is undefined.
  ///
  /// - Throws: ``DomainError/notFound(what:)``, ``ReadTimeout``, ``ReadsBusy``.
  package func kpis(_ tenant: TenantID, dataset name: String, version: Int) async throws -> KPIs {
    let (subject, threshold, changes) = try await database.read(for: tenant) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      let rows = try await tx.query(
        """
        SELECT kpis FROM kpis
        WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND model_version = \(version)
        """)
      guard let row = rows.first else { throw DomainError.notFound(what: "model \(version)") }
      return (
        Subject(tenant: tenant, dataset: dataset.id, version: version),
        try row.decode(JSONB.self).decode(KPIs.self).threshold,
        try await LabelCounting.counts(tenant, dataset: dataset.id, in: tx).changes
      )
    }
    return try await measured.value(tenant, subject, version: changes) { [database] in
      try await database.read(for: tenant) { tx in
        try await LiveMeasuring.kpis(
          tenant, dataset: subject.dataset, version: version, threshold: threshold, in: tx)
      }
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
      evidence = try await database.read(for: tenant, measure)
    }
    try gate.check(evidence, modelVersion: version)
  }
}
