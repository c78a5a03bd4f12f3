import Foundation
import Learning
import Logging
import PostgreSQL
import RowFormats

/// Reads the labels of datasets in the learner's form: all of them, or the changes since the last read.
struct LabelReader: Sendable {
  private let database: Database
  private let datasets: DatasetStore
  private let cache: LabelCache
  /// The size in bytes up to which labels are cached without automatic training, so that repeated manual trainings of
  /// a small dataset do not read it anew each time.
  private let small: Int
  private let memory: TrainingMemory
  private let logger: Logger

  /// The maximum time that PostgreSQL may take for the next rows. A dead connection is detected earlier.
  static let timeout = Duration.seconds(60)

  init(
    database: Database, cache: LabelCache, small: Int = 8 << 20,
    memory: TrainingMemory = TrainingMemory(limit: TrainingMemory.defaultLimit), logger: Logger
  ) {
    self.small = small
    self.memory = memory
    self.database = database
    self.datasets = DatasetStore(database: database)
    self.cache = cache
    self.logger = logger
  }

  /// The labels of a dataset for one training.
  struct Reading: Sendable {
    /// The dataset in the same snapshot.
    var dataset: Dataset
    /// Its labels.
    var table: TrainingTable
    /// Their ids, in order.
    var ids: [Int]
    /// The highest id.
    var lastLabelID: Int { ids.last ?? 0 }
    /// The dataset's change count.
    var changes: Int
    /// The number of rows that were read from the database; the others came from the cache.
    var rowsRead: Int
    /// The memory of the labels and of the training on them.
    var memory: TrainingReservation

    /// Reserves what the parameters' family needs beyond a linear model.
    ///
    /// - Throws: as ``TrainingReservation/grow(to:for:)``.
    func reserve(for parameters: TrainingParameters) async throws {
      guard parameters.family != .linear else { return }
      var footprint = TrainingFootprint(rows: table.rowCount, numeric: 0, categorical: 0)
      for column in table.columns {
        switch column {
        case .numeric: footprint.numeric += 1
        case .categorical(_, let levels):
          footprint.categorical += 1
          footprint.levels += levels.count
        }
      }
      let linear = footprint.bytes
      footprint.pairs = parameters.additive.pairs?.count ?? parameters.additive.maxPairs
      try await memory.grow(
        to: memory.count + footprint.bytes - linear, for: LabelReader.description(table.rowCount, dataset))
    }
  }

  /// Reads all labels of a dataset in one snapshot.
  ///
  /// The labels are cached if the dataset trains automatically or is small, and cached ones are reused. The labels of
  /// an earlier snapshot, merged with all rows written since, contain every row of the current snapshot. If their
  /// number equals the dataset's count, there are no others. If there are more, the stored ids show which ones were
  /// deleted.
  ///
  /// The memory of the training is reserved before a row is read, and waited for without a connection.
  ///
  /// - Parameters:
  ///   - tenant: the tenant.
  ///   - id: the dataset.
  ///   - hasTimes: whether the training needs the times of the rows.
  ///   - progress: receives the numbers of rows read and expected, from time to time.
  /// - Throws: ``DomainError/notFound(what:)`` if the dataset was deleted; ``TrainingFailure`` for numbers that no model can
  ///   follow, and for more labels than the memory holds.
  func read(
    _ tenant: TenantID, dataset id: Int, hasTimes: Bool = false,
    progress: @escaping @Sendable (Int, Int) -> Void
  ) async throws -> Reading {
    let reservation = try await reserve(tenant, dataset: id, hasTimes: hasTimes)
    let mark = try await HighWaterMark.make(tenant, in: database)
    return try await database.transaction(for: tenant, isolation: .repeatableRead, readOnly: true) {
      try await read(
        tenant, dataset: id, mark: mark, reservation, hasTimes: hasTimes, in: $0, progress: progress)
    }
  }

  /// Reserves what a training on the present labels of a dataset needs, and makes the cache give up as much.
  func reserve(
    _ tenant: TenantID, dataset id: Int, hasTimes: Bool = false
  ) async throws -> TrainingReservation {
    let (dataset, counts) = try await database.transaction(for: tenant, readOnly: true) { tx in
      (
        try await datasets.dataset(tenant, id: id, in: tx),
        try await LabelCounting.counts(tenant, dataset: id, in: tx)
      )
    }
    let columns = TrainingColumns(features: dataset.features, expectedRows: 0, hasTimes: hasTimes)
    let reservation = try await memory.reserve(
      columns.footprint(rows: counts.stored), for: Self.description(counts.stored, dataset))
    cache.shrink(to: memory.limit - memory.held, keeping: tenant, id)
    return reservation
  }

  fileprivate static func description(_ rows: Int, _ dataset: Dataset) -> String {
    "Training on \(rows) labels with \(dataset.features.count) features"
  }

  /// Reads all labels in the caller's transaction, whose snapshot must be taken after the mark was made.
  func read(
    _ tenant: TenantID, dataset id: Int, mark: HighWaterMark, _ reservation: TrainingReservation,
    hasTimes: Bool = false, in tx: Transaction, progress: @Sendable (Int, Int) -> Void
  ) async throws -> Reading {
    let snapshot = try await LabelSnapshot.current(in: tx)
    let dataset = try await datasets.dataset(tenant, id: id, in: tx)
    let counts = try await LabelCounting.counts(tenant, dataset: id, in: tx)
    var kept = cache.take(tenant, id)
    let marks = kept?.marks(and: mark) ?? [mark]
    var rowsRead = 0
    var columns = TrainingColumns(features: dataset.features, expectedRows: 0)
    var isCurrent = false
    if let position = kept?.position(for: snapshot), let old = kept?.changes,
      counts.changes - old <= counts.stored / 2, kept?.columns.hasTimes == true || !hasTimes
    {
      columns = kept?.takeColumns() ?? columns
      (isCurrent, rowsRead) = try await update(
        &columns, tenant, dataset, since: position, counts: counts, reservation, in: tx)
    }
    if !isCurrent {
      kept = nil
      // The memory of columns that are out of date is free before others are read.
      columns = TrainingColumns(features: [], expectedRows: 0)
      columns = try await readAll(
        tenant, dataset, counts: counts, reservation, hasTimes: hasTimes, progress: progress, in: tx)
      rowsRead += columns.rowCount
    }
    let table: TrainingTable
    do {
      table = try columns.table()
    } catch LearningError.notFinite {
      let (first, count) = columns.outOfRange(most: 10)
      throw TrainingFailure(outOfRange: first, count: count, reason: dataset.schema.outOfRangeDetail)
    }
    if dataset.settings.autoTrain.enabled || columns.byteCount <= small {
      cache.keep(
        CachedLabels(columns: columns, changes: counts.changes, snapshot: snapshot, marks: marks), tenant, id,
        // The training holds the memory of its own labels already.
        within: memory.limit - memory.held + columns.byteCount)
    }
    return Reading(
      dataset: dataset, table: table, ids: columns.ids, changes: counts.changes, rowsRead: rowsRead,
      memory: reservation)
  }

  /// Without ORDER BY: rows are stored nearly in the order of their ids, so that sorting here costs less than an
  /// index scan or a sort on disk by PostgreSQL.
  private func readAll(
    _ tenant: TenantID, _ dataset: Dataset, counts: LabelCounts, _ reservation: TrainingReservation,
    hasTimes: Bool, progress: @Sendable (Int, Int) -> Void, in tx: Transaction
  ) async throws -> TrainingColumns {
    let query: Query =
      "COPY (SELECT " + TrainingRows.columns(hasTimes: hasTimes)
      + " FROM labels WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id)) TO STDOUT (FORMAT binary)"
    return try await tx.copyOut(query) { stream in
      let description = Self.description(counts.stored, dataset)
      let empty = TrainingColumns(features: dataset.features, expectedRows: 0, hasTimes: hasTimes)
      try await reservation.grow(to: empty.footprint(rows: counts.stored), for: description)
      var columns = TrainingColumns(
        features: dataset.features, expectedRows: counts.stored, hasTimes: hasTimes)
      var rows = TrainingRows(features: dataset.features, hasTimes: hasTimes)
      var reader = BinaryCopyReader()
      while let chunk = try await stream.nextBytes(within: Self.timeout) {
        try Task.checkCancellation()
        reader.feed(chunk)
        while try reader.nextRow() {
          try rows.append(reader, levels: &columns.levels, groups: &columns.groups)
        }
        columns.append(rows)
        rows.removeAll()
        // The categories and attributes are known only now.
        try await reservation.grow(to: columns.footprint(rows: counts.stored), for: description)
        progress(columns.rowCount, counts.stored)
      }
      try reader.checkFinished()
      columns.sortByID()
      return columns
    }
  }

  /// Merges the rows written since `position` and removes deleted ones.
  ///
  /// - Returns: whether the result equals the stored labels, and the number of rows read.
  private func update(
    _ columns: inout TrainingColumns, _ tenant: TenantID, _ dataset: Dataset, since position: Int,
    counts: LabelCounts, _ reservation: TrainingReservation, in tx: Transaction
  ) async throws -> (isCurrent: Bool, rowsRead: Int) {
    columns.extend(to: dataset.features)
    let source: Query = " FROM labels WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND "
    let selected = TrainingRows.columns(hasTimes: columns.hasTimes)
    let query: Query =
      "COPY (SELECT " + selected + source + "id > \(position) UNION ALL SELECT " + selected + source
      + "change_id > \(position) AND id <= \(position)) TO STDOUT (FORMAT binary)"
    let description = Self.description(counts.stored, dataset)
    let footprint = columns.footprint(rows: counts.stored)
    try await reservation.grow(to: footprint, for: description)
    let (levels, groups, rows) = try await tx.copyOut(query) {
      [levels = columns.levels, groups = columns.groups, hasTimes = columns.hasTimes] stream in
      var (levels, groups) = (levels, groups)
      var rows = TrainingRows(features: dataset.features, hasTimes: hasTimes)
      var reader = BinaryCopyReader()
      while let chunk = try await stream.nextBytes(within: Self.timeout) {
        reader.feed(chunk)
        while try reader.nextRow() { try rows.append(reader, levels: &levels, groups: &groups) }
        // Merging takes the rows twice.
        try await reservation.grow(to: footprint + 2 * rows.byteCount, for: description)
      }
      try reader.checkFinished()
      return (levels, groups, rows)
    }
    let rowsRead = rows.count
    columns.levels = levels
    columns.groups = groups
    try await reservation.grow(
      to: columns.footprint(rows: counts.stored) + 2 * rows.byteCount, for: description)
    columns.merge(rows)
    if columns.rowCount > counts.stored { columns.keep(only: try await Self.ids(tenant, dataset.id, in: tx)) }
    guard columns.rowCount == counts.stored, columns.positives == counts.positives else {
      logger.error(
        "cached labels differ from stored ones; reading all again",
        metadata: [
          "tenant": "\(tenant)", "dataset": "\(dataset.id)", "cached": "\(columns.rowCount)",
          "stored": "\(counts.stored)",
        ])
      return (false, rowsRead)
    }
    return (true, rowsRead)
  }

  /// Returns the ids of the stored labels up to `last`, in order.
  static func ids(
    _ tenant: TenantID, _ dataset: Int, upTo last: Int = .max, in tx: Transaction
  ) async throws -> [Int] {
    try await tx.copyOut(
      """
      COPY (SELECT id FROM labels WHERE tenant_id = \(tenant) AND dataset_id = \(dataset) AND id <= \(last))
      TO STDOUT (FORMAT binary)
      """
    ) { stream in
      var ids: [Int] = []
      var reader = BinaryCopyReader()
      while let chunk = try await stream.nextBytes(within: Self.timeout) {
        reader.feed(chunk)
        while try reader.nextRow() { ids.append(try reader.decode(0)) }
      }
      try reader.checkFinished()
      return ids.sorted()
    }
  }
}
