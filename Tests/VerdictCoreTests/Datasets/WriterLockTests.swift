import DomainTestSupport
import Foundation
import JobQueue
import Learning
import PostgreSQL
import RowFormats
import Testing
import TestSupport

@testable import VerdictCore

/// Tests of what waits for writers of a dataset's rows: neither settings nor models nor trainings, and a deletion for a moment.
@Suite struct WriterLockTests {
  /// A moment in which a change that waits for a writer does not succeed.
  private static let moment = Duration.seconds(20)

  @Test(.timeLimit(.minutes(10)))
  func `settings, models and trainings do not wait for writers`() async throws {
    try await TestDomain.with { domain in
      let bench = try await Writers(domain)
      try await bench.train()
      // A batch of several blocks, and feedback.
      try await domain.database.transaction(for: bench.tenant) { tx in
        let answers = try await bench.predict(20_000, storing: .within(tx))
        #expect(answers.count == 20_000)
        _ = try await domain.feedback.label(
          bench.tenant, dataset: "d", in: tx, reading: { _ in [.init(id: answers.ids[0], trueLabel: true)] },
          refusing: { _ in Refused() })
        try await within(Self.moment) {
          try await bench.set(gate: Gate(metric: .accuracy, minimum: 0.9))
          _ = try await domain.models.activate(bench.tenant, dataset: "d", version: 1)
          try await domain.models.delete(bench.tenant, dataset: "d", version: 2)
          try await bench.train()
        }
      }
      #expect(try await bench.stored() == 20_000)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a deletion refuses new writers and leaves the others to end`() async throws {
    try await TestDomain.with { domain in
      let bench = try await Writers(domain)
      let gone = DomainError.notFound(what: "dataset d")
      try await domain.database.transaction(for: bench.tenant) { tx in
        _ = try await bench.predict(1_000, storing: .within(tx))
        try await within(Self.moment) { try await domain.datasets.delete(bench.tenant, named: "d") }
        await #expect(throws: gone) { try await domain.post(x: [1], bench.tenant) }
        await #expect(throws: gone) { try await bench.predict(1, storing: .committed) }
        await #expect(throws: gone) { try await domain.datasets.delete(bench.tenant, named: "d") }
        await #expect(throws: gone) { try await domain.datasets.summary(bench.tenant, named: "d") }
        #expect(try await domain.datasets.list(bench.tenant, after: nil, limit: 10).isEmpty)
        // The name belongs to the rows that are still written.
        await #expect(throws: DomainError.stillDeleted(dataset: "d")) {
          try await domain.dataset(bench.tenant)
        }
        try await domain.dataset(bench.tenant, "other")
        // The maintenance does not wait for the writer, and removes nothing that it writes.
        try await domain.maintain()
      }
      #expect(try await bench.stored() == 1_000)
      let new = try await domain.dataset(bench.tenant)
      try await domain.post(x: [1, -1], bench.tenant)
      try await domain.maintain()
      #expect(try await bench.stored() == 0)
      let left = try await domain.asOwner { connection in
        try await connection.query("SELECT DISTINCT dataset_id FROM labels").map { try $0.decode(Int.self) }
      }
      #expect(left == [new.id])
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a deletion frees its name once the writers have ended`() async throws {
    try await TestDomain.with { domain in
      let bench = try await Writers(domain)
      try await domain.database.transaction(for: bench.tenant) { tx in
        _ = try await domain.datasets.dataset(bench.tenant, named: "d", lock: .keyShare, in: tx)
        try await domain.datasets.delete(bench.tenant, named: "d")
      }
      let unfinished = try await DatasetDeletion.unfinished(of: bench.tenant, in: domain.database)
      #expect(unfinished.count == 1)
      try await domain.maintain()
      #expect(try await DatasetDeletion.unfinished(of: bench.tenant, in: domain.database).isEmpty)
      #expect(try await domain.countedRows() == (0, 0))
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a batch of predictions ends when its dataset is deleted, and stores nothing`() async throws {
    try await TestDomain.with { domain in
      let bench = try await Writers(domain)
      // Whether the deletion comes before, between or after the blocks.
      for round in 0..<5 {
        let name = "d\(round)"
        try await domain.dataset(bench.tenant, name)
        try await domain.post(x: (0..<60).map { Double($0) - 30 }, bench.tenant, name)
        try await domain.train(bench.tenant, name)
        async let batch = bench.predict(50_000, name, storing: .committed)
        try await Task.sleep(for: .milliseconds(250 * round))
        try await domain.datasets.delete(bench.tenant, named: name)
        do {
          let answers = try await batch
          #expect(answers.count == 50_000)
        } catch DomainError.notFound(let what) {
          #expect(what == "dataset \(name)")
          #expect(try await bench.stored() == 0)
        }
        try await domain.maintain()
        #expect(try await bench.stored() == 0)
      }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a tenant is erased beside its writers`() async throws {
    try await TestDomain.with { domain in
      let bench = try await Writers(domain)
      let writer = Task {
        try await domain.database.transaction(for: bench.tenant) { tx in
          _ = try await bench.predict(1_000, storing: .within(tx))
          try await eventually {
            do {
              _ = try await domain.datasets.summary(bench.tenant, named: "d")
              return false
            } catch DomainError.notFound {
              return true
            }
          }
        }
      }
      try await eventually { try await bench.isLocked() }
      try await TenantStore(database: domain.database).delete(bench.tenant)
      try await writer.value
      #expect(try await bench.stored() == 0)
    }
  }

  /// Each change is answered within this time beside writers of the same dataset. It is 1 s for a release build alone on
  /// its machine; overlapping locks held changes up for as long as the writers went on.
  private static let bound = 8.0

  @Test(.timeLimit(.minutes(10)))
  func `changes are answered beside any number of writers`() async throws {
    try await TestDomain.with(connections: 24) { domain in
      let bench = try await Writers(domain)
      try await bench.train()
      let ids = try await bench.predict(2_000, storing: .committed).ids
      try await bench.beside(
        40,
        { number in
          if number.isMultiple(of: 4) {
            _ = try await bench.predict(4_000, storing: .committed)
          } else if number.isMultiple(of: 2) {
            let id = ids[Int.random(in: 0..<ids.count)]
            _ = try await domain.feedback.label(bench.tenant, dataset: "d", prediction: id) { _ in .random() }
          } else {
            try await domain.post(x: [1, -1], bench.tenant)
          }
        }
      ) {
        var longest: [String: Double] = [:]
        for version in [2, 1, 2] {
          longest["gate"] = max(
            longest["gate"] ?? 0,
            try await seconds { try await bench.set(gate: Gate(metric: .accuracy, minimum: 0.01)) })
          longest["promotion"] = max(
            longest["promotion"] ?? 0,
            try await seconds {
              _ = try await domain.models.activate(bench.tenant, dataset: "d", version: version)
            })
          try await Task.sleep(for: .milliseconds(300))
        }
        longest["deletion"] = try await seconds {
          try await domain.datasets.delete(bench.tenant, named: "d")
        }
        #expect(longest.values.allSatisfy { $0 < Self.bound }, "\(longest)")
      }
      // None of the writers left a row behind.
      try await eventually {
        try await domain.maintain()
        return try await bench.stored() == 0
      }
      #expect(try await domain.countedRows() == (0, 0))
    }
  }
}

private struct Refused: Error {}

/// Fails when the closure takes longer than `limit`.
private func within(_ limit: Duration, _ body: @Sendable @escaping () async throws -> Void) async throws {
  try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask(operation: body)
    group.addTask {
      try await Task.sleep(for: limit)
      throw TookTooLong()
    }
    _ = try await group.next()
    group.cancelAll()
  }
}

private struct TookTooLong: Error {}

extension TestDomain {
  fileprivate func maintain() async throws {
    try await Maintenance(database: database, logger: logger).maintain()
  }
}

/// A dataset `d` with a model, and its writers.
private struct Writers: Sendable {
  let domain: TestDomain
  let tenant: TenantID
  private let service: PredictionService
  private let reader: PredictionReader

  init(_ domain: TestDomain) async throws {
    self.domain = domain
    tenant = try await domain.tenant()
    let dataset = try await domain.dataset(tenant)
    try await domain.post(x: (0..<60).map { Double($0) - 30 }, tenant)
    try await domain.train(tenant)
    service = PredictionService(
      database: domain.database, served: ServedDatasets(database: domain.database),
      writer: PredictionWriter(database: domain.database))
    reader = PredictionReader(schema: dataset.schema)
  }

  @discardableResult
  func predict(
    _ count: Int, _ name: String = "d", storing storage: PredictionService.Storage
  ) async throws -> PredictionAnswers {
    let rows = Array(repeating: #"{"features":{"x":1}}"#, count: count).joined(separator: ",")
    let body = Array("{\"predictions\":[\(rows)]}".utf8)
    return try await service.predict(tenant, dataset: name, storing: storage) { [reader] _ in
      try reader.readBatch(body)
    }
  }

  func train() async throws {
    let worker = domain.trainingWorker()
    let working = Task { try await worker.run() }
    let job = try await domain.database.transaction(for: tenant) { tx in
      try await domain.trainings.request(tenant, dataset: "d", in: tx) { $0 }
    }
    try await eventually {
      try await domain.trainings.job(tenant, dataset: "d", id: Int(job.id)).state == .succeeded
    }
    working.cancel()
    _ = await working.result
  }

  func set(gate: Gate) async throws {
    _ = try await domain.datasets.change(tenant, named: "d", domain.autoTraining) { dataset in
      var change = DatasetChange(of: dataset)
      change.settings.gate = gate
      change.named = [.gate]
      return change
    }
  }

  /// The number of stored predictions of all datasets.
  func stored() async throws -> Int {
    try await domain.asOwner { connection in
      try await connection.query("SELECT count(*) FROM predictions").single().decode(Int.self)
    }
  }

  /// Whether a transaction has locked the row of a dataset.
  func isLocked() async throws -> Bool {
    try await domain.asOwner { connection in
      try await connection.transaction { tx in
        try await tx.query("SELECT FROM datasets WHERE writable FOR UPDATE SKIP LOCKED").isEmpty
      }
    }
  }

  /// Runs the closure while tasks repeat `write` until the dataset is deleted.
  func beside(
    _ count: Int, _ write: @Sendable @escaping (Int) async throws -> Void,
    _ body: @Sendable @escaping () async throws -> Void
  ) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<count {
        group.addTask {
          while !Task.isCancelled {
            do {
              try await write(number)
            } catch DomainError.notFound {
              return
            } catch is CancellationError {
              return
            } catch let error as PostgreSQLError where error.kind == .cancelled {
              return
            }
          }
        }
      }
      // The writers overlap by then.
      try await Task.sleep(for: .seconds(1))
      try await body()
      group.cancelAll()
      try await group.waitForAll()
    }
  }
}
