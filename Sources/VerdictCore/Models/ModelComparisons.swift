import Foundation
import Learning
import PostgreSQL
import RowFormats

/// Compares stored models of a dataset on request.
///
/// A stored model was fitted to all of its rows and cannot be measured on them. The parameters of both are fitted again to the same
/// part of the present labels, and measured on the others. One comparison of a tenant runs at a time, with a pause after each
/// (``PacedReads``), and a result is kept for its state of the labels.
package struct ModelComparisons: Sendable {
  /// The server has as many comparisons under way as it may.
  package struct Busy: Error, Sendable {}

  /// The fits of a comparison took longer than they may.
  package struct TooSlow: Error, Sendable {
    /// The longest duration.
    package var limit: Duration
  }

  /// The most labels that are used. More are sampled at random.
  package static let mostRows = 50_000
  /// The longest duration of the fits.
  static let fitLimit = Duration.seconds(20)
  /// The turns of all comparisons of the process, apart from those of models that predictions wait for.
  private static let processTurns = ModelTurns(
    limit: ProcessInfo.processInfo.activeProcessorCount / 2, pressure: .process)

  private struct Subject: Hashable {
    var tenant: TenantID
    var dataset: Int
    var features: Int
    var champion: Int
    var challenger: Int
  }

  /// All that a comparison needs to know before it reads labels.
  private struct Plan {
    var subject: Subject
    var features: [Feature]
    var champion: TrainingParameters
    var challenger: TrainingParameters
    var counts: LabelCounts
  }

  private let database: Database
  private let datasets: DatasetStore
  private let turns: ModelTurns
  private let results = PacedReads<Subject, Int, ModelComparison>(lifetime: .seconds(3_600))

  /// Compares the models in `database`.
  package init(database: Database) {
    self.init(database: database, turns: Self.processTurns)
  }

  init(database: Database, turns: ModelTurns) {
    self.database = database
    self.datasets = DatasetStore(database: database)
    self.turns = turns
  }

  /// Compares two versions of a dataset's models.
  ///
  /// - Parameters:
  ///   - champion: the version that is compared with.
  ///   - challenger: the version that is compared, whose validation decides which rows are measured.
  /// - Throws: ``DomainError/notFound(what:)``, ``DomainError/tooFewLabels(detail:)``, ``Busy``, ``TooSlow``, ``ReadsBusy``,
  ///   ``ReadTimeout``, ``RequestMemory/Exhausted``, ``RequestMemory/TooLarge``.
  package func compare(
    _ tenant: TenantID, dataset name: String, champion: Int, challenger: Int
  ) async throws -> ModelComparison {
    let plan = try await plan(tenant, name, champion: champion, challenger: challenger)
    let memory = RequestMemory.current
    return try await results.value(tenant, plan.subject, version: plan.counts.changes) { [self] in
      do {
        return try await turns.withTurn(for: tenant, .request) {
          try await measure(plan, in: memory)
        }
      } catch is ModelTurns.Busy {
        throw Busy()
      }
    }
  }

  private func plan(
    _ tenant: TenantID, _ name: String, champion: Int, challenger: Int
  ) async throws -> Plan {
    try await database.read(for: tenant) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      var parameters: [Int: TrainingParameters] = [:]
      let rows = try await tx.query(
        """
        SELECT version, parameters FROM models
        WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND version = ANY(\([champion, challenger]))
        """)
      for row in rows {
        let (version, stored) = try row.decode(Int.self, JSONB.self)
        parameters[version] = try stored.decode(TrainingParameters.self)
      }
      func known(_ version: Int) throws -> TrainingParameters {
        guard let found = parameters[version] else { throw DomainError.notFound(what: "model \(version)") }
        return found
      }
      let (first, second) = (try known(champion), try known(challenger))
      let counts = try await LabelCounting.counts(tenant, dataset: dataset.id, in: tx)
      if let detail = TrainingJobs.insufficientLabelsDetail(counts) {
        throw DomainError.tooFewLabels(detail: detail)
      }
      return Plan(
        subject: Subject(
          tenant: tenant, dataset: dataset.id, features: dataset.features.count, champion: champion,
          challenger: challenger),
        features: dataset.features, champion: first, challenger: second, counts: counts)
    }
  }

  private func measure(_ plan: Plan, in memory: RequestMemory) async throws -> ModelComparison {
    // Released when the fits have ended.
    let reservation = RequestMemory.Reservation(of: memory, for: plan.subject.tenant)
    defer { withExtendedLifetime(reservation) {} }
    let most = Self.rows(of: plan.features, within: memory.limit / 8)
    var columns = try await read(plan, atMost: most, reservation)
    let (size, rowCount) = (columns.byteCount, columns.rowCount)
    defer { HeapTrimmer.process.freed(size) }
    let (first, second) = (plan.champion, plan.challenger)
    let deadline = ContinuousClock.now + Self.fitLimit
    let result: PairedComparison
    do {
      let table = try columns.table()
      result = try await BackgroundThreads.trainings.run {
        // One thread: many tenants may compare.
        try ModelFamilies.standard.compare(
          table, champion: first, challenger: second, threads: 1, isCancelled: { .now > deadline })
      }
    } catch let error as LearningError {
      // Labels that no training could learn from, either.
      let detail = error.detail.hasSuffix(".") ? String(error.detail.dropLast()) : error.detail
      throw DomainError.tooFewLabels(detail: detail)
    } catch is CancellationError {
      throw TooSlow(limit: Self.fitLimit)
    }
    return ModelComparison(
      champion: plan.subject.champion, challenger: plan.subject.challenger, rowsUsed: rowCount,
      isSampled: plan.counts.stored > most, validation: second.validation, result: result)
  }

  /// The number of labels whose comparison takes at most so many bytes, from a thousand to ``mostRows``.
  static func rows(of features: [Feature], within bytes: Int) -> Int {
    let columns = TrainingColumns(features: features, expectedRows: 0)
    let row = max(1, bytesOf(columns, rows: 1_001) - bytesOf(columns, rows: 1)) / 1_000
    return min(mostRows, max(1_000, bytes / max(1, row)))
  }

  private static func bytesOf(_ columns: TrainingColumns, rows: Int) -> Int {
    columns.footprint(rows: rows) + rows * ModelFamilies.comparisonBytes
  }

  /// Reads the labels, or a random sample of them: those whose id has a hash in a range of the size that gives so many.
  private func read(
    _ plan: Plan, atMost most: Int, _ reservation: RequestMemory.Reservation
  ) async throws -> TrainingColumns {
    let (tenant, dataset, stored) = (plan.subject.tenant, plan.subject.dataset, plan.counts.stored)
    let rows = min(most, stored)
    let empty = TrainingColumns(features: plan.features, expectedRows: 0)
    try reservation.set(Self.bytesOf(empty, rows: rows))
    var sample: Query = ""
    if stored > most {
      // A little less than the most, so that the limit does not prefer the rows that are read first.
      let wanted: Double = Double(most) - 3 * Double(most).squareRoot()
      let share: Double = wanted / Double(stored)
      let range = Int(share * 2_147_483_648)
      sample = """
         AND id IN (
          SELECT id FROM labels WHERE tenant_id = \(tenant) AND dataset_id = \(dataset)
            AND (hashint8(id) & 2147483647) < \(range))
        """
    }
    // The challenger's validation says which rows are measured.
    let hasTimes = plan.challenger.validation.usesTimes
    let source: Query = " FROM labels WHERE tenant_id = \(tenant) AND dataset_id = \(dataset)"
    let end: Query = " LIMIT \(rows)) TO STDOUT (FORMAT binary)"
    var text: Query = "COPY (SELECT "
    text += TrainingRows.columns(hasTimes: hasTimes)
    text += source
    text += sample
    text += end
    let query = text
    return try await database.read(for: tenant) { tx in
      try await tx.copyOut(query) { stream in
        var columns = TrainingColumns(features: plan.features, expectedRows: rows, hasTimes: hasTimes)
        var batch = TrainingRows(features: plan.features, hasTimes: hasTimes)
        var reader = BinaryCopyReader()
        while let chunk = try await stream.nextBytes() {
          reader.feed(chunk)
          while try reader.nextRow() {
            try batch.append(reader, levels: &columns.levels, groups: &columns.groups)
          }
          columns.append(batch)
          batch.removeAll()
          // The categories are known only now.
          try reservation.set(Self.bytesOf(columns, rows: rows))
        }
        try reader.checkFinished()
        columns.sortByID()
        return columns
      }
    }
  }
}
