import DomainTestSupport
import JobQueue
import Learning
import PostgreSQL
import TestSupport
import Testing

@testable import VerdictCore

/// Tests of reading the attributes of labels, and of the validations that use them, on a database.
@Suite struct RowAttributesTests {
  /// A dataset of 400 labels, `x` of which are 0 … 399 in the order of their ids, and a reader with a cache.
  private struct Attributed: Sendable {
    let domain: TestDomain
    let tenant: TenantID
    let dataset: Int
    let cache = LabelCache(bytes: 64 << 20)

    init(_ domain: TestDomain) async throws {
      self.domain = domain
      tenant = try await domain.tenant()
      dataset = try await domain.dataset(tenant).id
      try await domain.post(x: (0..<400).map(Double.init), label: { Int($0) % 3 == 0 }, tenant)
    }

    /// Sets attributes as the server would; `i` is the value of `x`.
    func update(_ assignments: Query, where condition: Query = "true") async throws {
      try await domain.asOwner { connection in
        _ = try await connection.query(
          "UPDATE labels SET " + assignments + " FROM (SELECT id AS one, numbers[1]::int AS i FROM labels) n "
            + "WHERE one = id AND " + condition)
      }
    }

    func read(hasTimes: Bool = false) async throws -> LabelReader.Reading {
      let reader = LabelReader(database: domain.database, cache: cache, logger: domain.logger)
      return try await reader.read(tenant, dataset: dataset, hasTimes: hasTimes) { _, _ in }
    }

    /// Runs a training with a method of validation and returns its job after the end.
    func train(_ method: ValidationMethod) async throws -> Job {
      let requested = try await domain.database.transaction(for: tenant) { tx in
        try await domain.trainings.request(tenant, dataset: "d", in: tx) {
          var parameters = $0
          parameters.validation = method
          return parameters
        }
      }
      let worker = domain.trainingWorker()
      let working = Task { try await worker.run() }
      func job() async throws -> Job {
        try await domain.trainings.job(tenant, dataset: "d", id: Int(requested.id))
      }
      try await eventually { try await job().state.isFinal }
      working.cancel()
      _ = await working.result
      return try await job()
    }

    func validationRows(_ job: Job) throws -> Int? {
      try job.result?.decode(TrainingOutcome.self).kpis[.validationRows].map { Int($0) }
    }
  }

  @Test func `attributes that no row has are absent`() async throws {
    try await TestDomain.with { domain in
      let labels = try await Attributed(domain)
      let table = try await labels.read().table
      #expect(table.attributes.weights == nil && table.attributes.groups == nil)
      #expect(table.attributes.times == nil && table.attributes.splits == nil)
    }
  }

  @Test func `attributes are read with their rows`() async throws {
    try await TestDomain.with { domain in
      let labels = try await Attributed(domain)
      try await labels.update("group_name = 'g' || i % 7", where: "i % 5 <> 0")
      try await labels.update("weight = 1 + i / 2.0", where: "i >= 100")
      try await labels.update(
        "split = CASE WHEN i % 2 = 0 THEN 'train' ELSE 'validation' END", where: "i < 300")
      try await labels.update(
        "occurred_at = '2026-01-01Z'::timestamptz + i * interval '1 day'", where: "i > 10")
      try await labels.update("created_at = '1969-12-31 23:59:59.5Z'", where: "i <= 10")
      let table = try await labels.read(hasTimes: true).table
      let attributes = table.attributes
      var codes: [Int: Int32] = [:]
      for i in 0..<400 {
        #expect(attributes.weights?[i] == (i >= 100 ? 1 + Double(i) / 2 : 1))
        #expect(
          attributes.splits?[i] == (i >= 300 ? RowAttributes.Split.none : i % 2 == 0 ? .train : .validation))
        #expect(
          attributes.times?[i] == (i > 10 ? 1_767_225_600_000_000 + Int64(i) * 86_400_000_000 : -500_000))
        let code = try #require(attributes.groups?[i])
        if i % 5 == 0 { #expect(code == -1) } else { #expect(codes[i % 7, default: code] == code) }
        if i % 5 != 0 { codes[i % 7] = code }
      }
      // Numbered by the first row: 1, 2, 3, 4, 6, 7 ≡ 0, 8 ≡ 1, …, 12 ≡ 5.
      #expect([1, 2, 3, 4, 6, 0, 5].map { codes[$0] } == [0, 1, 2, 3, 4, 5, 6])
    }
  }

  @Test func `cached attributes follow the stored ones`() async throws {
    try await TestDomain.with { domain in
      let labels = try await Attributed(domain)
      func check(_ place: String, hasTimes: Bool = false, reads: ClosedRange<Int>) async throws {
        let cached = try await labels.read(hasTimes: hasTimes)
        #expect(reads.contains(cached.rowsRead), "\(place): \(cached.rowsRead) rows")
        let uncached = LabelReader(
          database: domain.database, cache: LabelCache(bytes: 0), logger: domain.logger)
        let full = try await uncached.read(labels.tenant, dataset: labels.dataset, hasTimes: true) { _, _ in }
        let (one, other) = (cached.table.attributes, full.table.attributes)
        #expect(
          one.weights == other.weights && one.splits == other.splits && one.groups == other.groups, "\(place)"
        )
        #expect(one.times == other.times || (one.times == nil && !hasTimes), "\(place)")
      }
      // Transactions of other tests on the same server may be older than the first mark.
      try await eventually { try await labels.read().rowsRead == 0 }
      try await labels.update("group_name = 'g' || i % 9", where: "i % 40 = 3")
      try await check("first groups", reads: 10...20)
      try await labels.update("weight = 2, split = 'validation'", where: "i % 50 = 3")
      try await check("weights and splits", reads: 8...40)
      // Columns without times do not serve a training that needs them; those with times serve every training.
      try await check("times", hasTimes: true, reads: 400...460)
      try await eventually { try await labels.read(hasTimes: true).rowsRead == 0 }
      try await labels.update("occurred_at = '2020-01-01Z'", where: "i = 5")
      try await check("one time", hasTimes: true, reads: 1...20)
      try await check("times kept", reads: 0...20)
      #expect(try await labels.read().table.attributes.times?.count == 400)
      var filter = LabelFilter()
      filter.ids = Array(try await labels.read().ids.prefix(60))
      _ = try await domain.labels.delete(labels.tenant, dataset: "d", where: filter)
      try await domain.post(x: [1_000, 1_001], label: { _ in true }, labels.tenant)
      try await labels.update("group_name = 'new', weight = 0.5", where: "i >= 1000")
      try await check("deleted and added", hasTimes: true, reads: 2...30)
      try await labels.update("group_name = NULL, weight = NULL, split = NULL")
      try await check("none any more", hasTimes: true, reads: 342...1_000)
      #expect(try await labels.read().table.attributes.groups == nil)
    }
  }

  @Test func `each method of validation splits the stored rows`() async throws {
    try await TestDomain.with { domain in
      let labels = try await Attributed(domain)
      // All rows came at once.
      let failed = try await labels.train(.time(fraction: 0.2))
      #expect(failed.state == .failed && failed.error?.type == "one-time")
      #expect(failed.error?.detail.hasPrefix("All 400 rows have the same time") == true)
      let unmarked = try await labels.train(.split())
      #expect(unmarked.state == .failed && unmarked.error?.type == "cannot-validate")
      #expect(
        unmarked.error?.detail == "No row has the split validation, so that there is nothing to measure.")
      try await labels.update(
        "occurred_at = '2026-01-01Z'::timestamptz + i / 10 * interval '1 day', group_name = 'g' || i / 8")
      try await labels.update("split = 'validation'", where: "i % 40 < 8")
      #expect(try labels.validationRows(try await labels.train(.time(fraction: 0.24))) == 100)
      #expect(
        try labels.validationRows(try await labels.train(.time(fraction: 0.2, gapDays: 3, group: true))) == 80
      )
      #expect(try labels.validationRows(try await labels.train(.split(group: true))) == 80)
      #expect(try labels.validationRows(try await labels.train(.holdout(fraction: 0.2, group: true))) == 80)
      #expect(try labels.validationRows(try await labels.train(.kfold(folds: 3, group: true))) == 400)
      // One group has all rows.
      try await labels.update("group_name = 'all'")
      let one = try await labels.train(.holdout(fraction: 0.2, group: true))
      #expect(one.state == .failed && one.error?.type == "cannot-validate")
    }
  }

  @Test func `codes of groups depend on the present rows alone`() {
    var index = GroupIndex()
    func code(_ name: String) -> Int32 { Array(name.utf8).withUnsafeBytes { index.code(of: $0) } }
    // The composed and the decomposed form are two names, as in PostgreSQL.
    #expect(["b", "a", "b", "é", "e\u{301}"].map(code) == [0, 1, 0, 2, 3])
    var rows: [Int32] = [3, -1, 1, 3, 0]
    index.number(&rows)
    #expect(rows == [0, -1, 1, 0, 2] && index.count == 3)
    #expect(["e\u{301}", "a", "b", "é", "c"].map(code) == [0, 1, 2, 3, 4])
  }
}
