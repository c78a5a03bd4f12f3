import DomainTestSupport
import Learning
import PostgreSQL
import RowFormats
import Synchronization
import TestSupport
import Testing

@testable import VerdictCore

/// Tests of the cache of datasets that a process predicts for.
@Suite struct ServedDatasetsTests {
  /// Counts the statements that read datasets and models.
  private final class Recorder: Sendable {
    private let state = Mutex<(descriptions: Int, models: Int, all: Int)>((0, 0, 0))

    var descriptions: Int { state.withLock(\.descriptions) }
    var models: Int { state.withLock(\.models) }
    var all: Int { state.withLock(\.all) }

    func record(_ query: Query) {
      state.withLock { state in
        state.all += 1
        if query.sql.contains("(d.id, m.version) IS DISTINCT FROM") { state.descriptions += 1 }
        if query.sql.hasPrefix("SELECT model FROM models") { state.models += 1 }
      }
    }
  }

  private struct Fixture {
    var domain: TestDomain
    var tenant: TenantID
    var statements: Recorder
    var served: ServedDatasets

    /// Calls of a dataset at the same time.
    func call(_ count: Int) -> [Task<ServedDataset, any Error>] {
      (0..<count).map { _ in Task { [served, tenant] in try await served.served(tenant, named: "d") } }
    }
  }

  /// Runs the closure with a trained dataset and a cache that hears of changes.
  private static func with(
    connections: Int = 8, bytes: Int = 64 << 20, categories: Int = 0,
    turns: ModelTurns = ModelTurns(limit: 1),
    _ body: (Fixture) async throws -> Void
  ) async throws {
    let statements = Recorder()
    try await TestDomain.with(connections: connections, observer: { query, _, _ in statements.record(query) })
    {
      domain in
      let tenant = try await domain.tenant()
      try await domain.dataset(tenant)
      try await domain.post(x: (0..<60).map { Double($0) - 30 }, tenant)
      try await domain.train(tenant)
      if categories > 0 { try await domain.enlargeModels(categories: categories) }
      let served = ServedDatasets(database: domain.database, bytes: bytes, turns: turns)
      served.listeningBegan()
      try await body(Fixture(domain: domain, tenant: tenant, statements: statements, served: served))
    }
  }

  private static func expectVersion(
    _ version: Int, of caller: Task<ServedDataset, any Error>, at place: SourceLocation = #_sourceLocation
  ) async throws {
    let served = try await caller.value
    #expect(served.model?.version == version, sourceLocation: place)
  }

  @Test(.timeLimit(.minutes(5)))
  func `requests for a cold model share one load`() async throws {
    try await Self.with(categories: 5_000) { fixture in
      for caller in fixture.call(24) { try await Self.expectVersion(1, of: caller) }
      // A request that came after the first had ended found the cached one.
      #expect(fixture.statements.descriptions == 1)
      #expect(fixture.statements.models == 1)
      let all = fixture.statements.all
      fixture.served.listening(since: .now)
      _ = try await fixture.served.served(fixture.tenant, named: "d")
      #expect(fixture.statements.all == all)
      #expect(fixture.served.byteCount > 5_000 * 50)
    }
  }

  @Test(.timeLimit(.minutes(5)))
  func `without notifications a shared load is compared with the database`() async throws {
    try await Self.with { fixture in
      fixture.served.listeningEnded()
      for caller in fixture.call(24) { _ = try await caller.value }
      #expect(fixture.statements.descriptions <= 2)
    }
  }

  @Test(.timeLimit(.minutes(5)))
  func `the end of one request ends no load, and an error reaches all that wait`() async throws {
    try await Self.with { fixture in
      try await holding("models", in: "ACCESS EXCLUSIVE", of: fixture.domain.admin) {
        let callers = fixture.call(3)
        try await fixture.domain.waitForALock()
        // The others share the load that waits.
        try await Task.sleep(for: .milliseconds(200))
        callers[0].cancel()
        await #expect(throws: CancellationError.self) { try await callers[0].value }
        _ = try await fixture.domain.asOwner { connection in
          try await connection.query(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%LEFT JOIN kpis%' AND pid <> pg_backend_pid()"
          )
        }
        for caller in callers.dropFirst() {
          await #expect(throws: PostgreSQLError.self) { try await caller.value }
        }
      }
      try await Self.expectVersion(1, of: fixture.call(1)[0])
    }
  }

  /// A change of another dataset, of whichever tenant, keeps no dataset from the cache.
  @Test(.timeLimit(.minutes(5)), arguments: [true, false])
  func `only a change of the dataset itself keeps a load from the cache`(_ isItself: Bool) async throws {
    try await Self.with { fixture in
      let dataset = try await fixture.domain.datasets.dataset(fixture.tenant, named: "d").id
      let callers = try await holding("models", in: "ACCESS EXCLUSIVE", of: fixture.domain.admin) {
        let callers = fixture.call(1)
        try await fixture.domain.waitForALock()
        let (own, other) = (fixture.tenant.rawValue, fixture.tenant.rawValue + 1)
        fixture.served.invalidate("\(other):\(dataset)")
        fixture.served.invalidate(TenantID(rawValue: other), named: "d")
        fixture.served.invalidate(fixture.tenant, named: "e")
        fixture.served.invalidate("\(own):\(isItself ? dataset : dataset + 1)")
        return callers
      }
      for caller in callers { _ = try await caller.value }
      #expect(fixture.served.count == (isItself ? 0 : 1))
    }
  }

  @Test(.timeLimit(.minutes(5)))
  func `a request after a change does not share a load from before it`() async throws {
    try await Self.with { fixture in
      let callers = try await holding("models", in: "ACCESS EXCLUSIVE", of: fixture.domain.admin) {
        let before = fixture.call(2)
        try await fixture.domain.waitForALock()
        _ = try await fixture.domain.asOwner {
          try await $0.query("UPDATE datasets SET revision = revision + 1")
        }
        fixture.served.invalidate(fixture.tenant, named: "d")
        let after = fixture.call(2)
        try await eventually { fixture.statements.descriptions == 2 }
        return (before, after)
      }
      for caller in callers.0 { _ = try await caller.value }
      let revision = try await fixture.domain.datasets.dataset(fixture.tenant, named: "d").revision
      for caller in callers.1 {
        let served = try await caller.value
        #expect(served.dataset.revision == revision)
      }
      #expect(fixture.statements.descriptions == 2)
      #expect(fixture.served.count == 1)
      let last = try await fixture.served.served(fixture.tenant, named: "d")
      #expect(last.dataset.revision == revision)
    }
  }

  @Test(.timeLimit(.minutes(5)))
  func `a change of the settings keeps the prepared model`() async throws {
    try await Self.with(categories: 5_000) { fixture in
      let before = try await fixture.served.served(fixture.tenant, named: "d")
      for _ in 0..<5 {
        let changed = try await fixture.domain.datasets.change(
          fixture.tenant, named: "d", fixture.domain.autoTraining
        ) { dataset in
          var change = DatasetChange(of: dataset)
          change.settings.modelsKept += 1
          return change
        }
        fixture.served.invalidate("\(fixture.tenant.rawValue):\(changed.dataset.id)")
        let after = try await fixture.served.served(fixture.tenant, named: "d")
        #expect(after.dataset.revision == changed.dataset.revision)
        #expect(after.model === before.model)
      }
      #expect(fixture.statements.models == 1)
      // A deleted dataset leaves the memory.
      try await fixture.domain.datasets.delete(fixture.tenant, named: "d")
      fixture.served.invalidate(fixture.tenant, named: "d")
      await #expect(throws: DomainError.notFound(what: "dataset d")) {
        try await fixture.served.served(fixture.tenant, named: "d")
      }
      #expect(fixture.served.count == 0 && fixture.served.byteCount == 0)
    }
  }

  @Test(.timeLimit(.minutes(5)))
  func `a model larger than the cache is served`() async throws {
    try await Self.with(bytes: 10_000, categories: 5_000) { fixture in
      for caller in fixture.call(8) { try await Self.expectVersion(1, of: caller) }
      #expect(fixture.statements.models <= 2)
      #expect(fixture.served.byteCount == 0)
    }
  }

  /// Nobody holds a connection while a large model is decoded or waits for its turn.
  @Test(.timeLimit(.minutes(5)))
  func `large models wait and are decoded without a connection`() async throws {
    let turns = ModelTurns(limit: 1, patience: .seconds(600))
    try await Self.with(connections: 1, categories: 5_000, turns: turns) { fixture in
      let (domain, tenant) = (fixture.domain, fixture.tenant)
      let models = ModelStore(database: domain.database, turns: turns)
      let (predicting, showing) = try await turns.withTurn(for: tenant, .request) {
        let predicting = fixture.call(20)
        let showing = (0..<20).map { _ in
          Task { try await models.withModel(tenant, dataset: "d", version: 1) { $0.model.featureNames } }
        }
        try await eventually { fixture.statements.all > 20 }
        // The only connection is free.
        for _ in 0..<20 {
          _ = try await domain.database.transaction(for: tenant, readOnly: true, within: .seconds(30)) {
            try await $0.query("SELECT 1")
          }
        }
        #expect(fixture.statements.models == 0)
        return (predicting, showing)
      }
      for caller in predicting { try await Self.expectVersion(1, of: caller) }
      for caller in showing {
        let names = try await caller.value
        #expect(names == ["x", "c"])
      }
      #expect(fixture.statements.models == 1)
      // While a closure uses a model, the connection is free as well.
      let names = try await models.withModel(tenant, dataset: "d", version: 1) { $0.model.featureNames }
      #expect(names == ["x", "c"])
    }
  }

  /// In a transaction without a snapshot the description and the model come from one statement, so that a promotion between
  /// two statements cannot leave a description without its model.
  @Test(.timeLimit(.minutes(5)))
  func `promotions in quick succession fail no prediction`() async throws {
    try await Self.with { fixture in
      let (domain, tenant) = (fixture.domain, fixture.tenant)
      _ = try await domain.datasets.change(tenant, named: "d", domain.autoTraining) { dataset in
        var change = DatasetChange(of: dataset)
        change.settings.modelsKept = 1
        return change
      }
      let dataset = try await domain.datasets.dataset(tenant, named: "d").id
      let isOver = Atomic(false)
      let promoting = Task {
        var version = 1
        while !isOver.load(ordering: .relaxed) {
          try await Self.replaceModel(domain, tenant, dataset, version)
          version += 1
        }
        return version
      }
      let served = ServedDatasets(database: domain.database)
      try await domain.database.transaction(for: tenant, readOnly: true) { tx in
        for _ in 0..<300 {
          let current = try await served.served(tenant, named: "d", asking: tx)
          #expect(current.model?.version == current.dataset.activeVersion)
        }
      }
      for _ in 0..<300 {
        let current = try await served.served(tenant, named: "d")
        #expect(current.model?.version == current.dataset.activeVersion)
      }
      isOver.store(true, ordering: .relaxed)
      #expect(try await promoting.value > 1)
    }
  }

  /// Stores a copy of the active model as the next version, activates it and deletes the first one.
  private static func replaceModel(
    _ domain: TestDomain, _ tenant: TenantID, _ dataset: Int, _ version: Int
  ) async throws {
    try await domain.asOwner { connection in
      try await connection.transaction { tx in
        for (table, column) in [("kpis", "model_version"), ("models", "version")] {
          try await tx.query(
            """
            INSERT INTO \(identifier: table)
            SELECT (json_populate_record(t, json_build_object(\(column), \(version + 1)))).*
            FROM \(identifier: table) t WHERE \(identifier: column) = \(version)
            """)
        }
        try await PromotionStore.activate(
          tenant, dataset: dataset, version: version + 1,
          before: ActiveVersion(version: version, pinned: nil), because: .manual, by: .actor(.commandLine),
          in: tx)
        try await tx.query("DELETE FROM models WHERE version = \(version)")
      }
    }
  }
}
