import DomainTestSupport
import PostgreSQL
import RowFormats
import TestSupport
import Testing

@testable import VerdictCore

/// One tenant's work leaves the database to the others.
@Suite struct FairDatabaseTests {
  /// Holds connections for a tenant until the closure has returned.
  private func holding<T: Sendable>(
    _ count: Int, for tenant: TenantID, in domain: TestDomain, expecting held: Int,
    _ body: @Sendable () async throws -> T
  ) async throws -> T {
    let pool = domain.database.pool
    let (stop, end) = AsyncStream<Void>.makeStream()
    return try await withThrowingTaskGroup(of: Void.self) { group in
      let gate = Task { for await _ in stop {} }
      for _ in 0..<count {
        group.addTask {
          try await domain.database.transaction(for: tenant) { tx in
            try await tx.query("SELECT 1")
            await gate.value
          }
        }
      }
      defer { end.finish() }
      try await eventually {
        pool.statistics().inUse == held && pool.statistics().waiting == count - held
      }
      let result = try await body()
      end.finish()
      try await group.waitForAll()
      return result
    }
  }

  /// Twenty-four requests of one tenant hold connections; another tenant's read, a key and a flush of predictions find one at once.
  @Test(.timeLimit(.minutes(2)))
  func aTenantThatWaitsDoesNotKeepOthersWaiting() async throws {
    try await TestDomain.with(connections: 8) { domain in
      let hostile = try await domain.tenant("hostile")
      let (made, key) = try await TenantStore(database: domain.database).create(
        name: "quiet", keyName: "first")
      let quiet = made.id
      try await domain.dataset(quiet)
      try await holding(24, for: hostile, in: domain, expecting: 6) {
        let start = ContinuousClock.now
        _ = try await domain.datasets.dataset(quiet, named: "d")
        #expect(try await KeyStore(database: domain.database).principal(for: key.secret)?.tenant == quiet)
        // The hostile tenant's own keys are found, too.
        _ = try await domain.database.lookUp(for: hostile, isUrgent: true) { try await $0.query("SELECT 1") }
        #expect(ContinuousClock.now - start < .seconds(5))
      }
    }
  }

  @Test(.timeLimit(.minutes(2)))
  func aReadIsCancelledAtItsLimit() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      let database = Database(pool: domain.database.pool, readLimit: .milliseconds(200))
      let start = ContinuousClock.now
      let error = await #expect(throws: ReadTimeout.self) {
        try await database.read(for: tenant) { try await $0.query("SELECT pg_sleep(60)") }
      }
      #expect(error?.limit == .milliseconds(200))
      #expect(ContinuousClock.now - start < .seconds(30))
      // The limit ends with the transaction.
      let limit = try await database.transaction(for: tenant) { tx in
        try await tx.query("SHOW statement_timeout").first?.decode(String.self)
      }
      #expect(limit == "0")
    }
  }

  /// A deletion waits for an upload with keys for a bounded time, and a label that does not exist waits for nobody.
  @Test(.timeLimit(.minutes(2)))
  func theDeletionOfOneLabelWaitsForABoundedTime() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      let dataset = try await domain.dataset(tenant)
      try await domain.post(x: [1, 2, 3], tenant)
      let (_, stored) = try await domain.labels.list(tenant, dataset: "d", after: nil, limit: 10)
      let id = try #require(stored.first?.id)
      let (other, end) = AsyncStream<Void>.makeStream()
      let uploading = Task {
        try await domain.database.transaction(for: tenant) { tx in
          try await LabelIngest.lockOrder(tenant, dataset: dataset.id, exclusive: false, in: tx)
          for await _ in other {}
        }
      }
      defer { end.finish() }
      try await eventually {
        try await domain.asOwner {
          try await $0.query(
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
          )
        }.count > 0
      }
      await #expect(throws: DomainError.notFound(what: "label \(id + 1_000)")) {
        try await domain.labels.delete(tenant, dataset: "d", id: id + 1_000)
      }
      let error = await #expect(throws: PostgreSQLError.self) {
        try await domain.labels.delete(tenant, dataset: "d", id: id)
      }
      #expect(error?.sqlState == .lockNotAvailable)
      end.finish()
      try await uploading.value
      try await domain.labels.delete(tenant, dataset: "d", id: id)
      #expect(try await domain.counts(tenant).stored == 2)
    }
  }

  /// A tenant that fills the queue of predictions leaves room for one that stores a few.
  @Test(.timeLimit(.minutes(10)))
  func aFullQueueOfPredictionsHasRoomForOthers() async throws {
    try await TestDomain.with { domain in
      let hostile = try await domain.tenant("hostile")
      let quiet = try await domain.tenant("quiet")
      var dataset: Dataset?
      for tenant in [hostile, quiet] {
        dataset = try await domain.dataset(tenant)
        try await domain.post(x: (0..<60).map { Double($0) - 30 }, tenant)
        try await domain.train(tenant)
      }
      let schema = try #require(dataset).schema
      let writer = PredictionWriter(database: domain.database, capacity: 16)
      let service = PredictionService(
        database: domain.database, served: ServedDatasets(database: domain.database), writer: writer)
      let row = try PredictionReader(schema: schema).readOne(Array(#"{"features":{"x":1}}"#.utf8))
      @Sendable func predict(_ tenant: TenantID) async throws {
        _ = try await service.predict(tenant, dataset: "d", storing: .committed) { _ in row }
      }
      try await domain.asOwner { blocker in
        try await blocker.query("BEGIN")
        // No prediction can be stored meanwhile.
        try await blocker.query("LOCK TABLE predictions IN ACCESS EXCLUSIVE MODE")
        try await withThrowingTaskGroup(of: Void.self) { group in
          for _ in 0..<50 {
            group.addTask { try? await predict(hostile) }
          }
          try await eventually { writer.waitingRows >= 16 }
          group.addTask { try await predict(quiet) }
          try await eventually { writer.waitingRows >= 17 }
          try await blocker.query("COMMIT")
          try await group.waitForAll()
        }
      }
      #expect(writer.waitingRows == 0)
      let rows = try await domain.asOwner { connection in
        try await connection.query("SELECT count(*) FROM predictions WHERE tenant_id = \(quiet.rawValue)")
          .first?
          .decode(Int.self)
      }
      #expect(rows == 1)
    }
  }
}
