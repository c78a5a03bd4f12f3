import Foundation
import HTTPTestSupport
import TestSupport
import Testing
import TestSupport

/// Random test: several clients send batches while connections are cut, the server or its PostgreSQL is killed, or
/// the disk is full. Acknowledged writes must be stored, no write may be stored partially, and the counts must equal
/// the rows.
@Suite(.serialized) struct RandomFaultTests {
  /// The fault of one round.
  enum Fault: CaseIterable {
    case killServer, killPostmaster, killEverything
  }

  @Test(.timeLimit(.minutes(10)))
  func `acknowledged writes survive random faults and none is partial`() async throws {
    let environment = ProcessInfo.processInfo.environment
    let seed = environment["VERDICT_TEST_SEED"].flatMap { UInt64($0) } ?? .random(in: 0 ... .max)
    try await TestInstallation.with { installation in
      var random = SeededRandom(seed: seed)
      let faults = Fault.allCases.shuffled(using: &random)
      var server = try await installation.serve()
      let key = try await installation.tenant()
      try await server.client(key: key).makeDataset()
      var clients = (0..<4).map { FaultyClient(number: $0, seed: seed) }
      for fault in faults {
        let client = try server.client(key: key)
        let (progress, isOver) = (Counter(), Counter())
        let work = Task { [clients] in
          await withTaskGroup(of: (Int, FaultyClient).self) { group in
            for (number, one) in clients.enumerated() {
              group.addTask {
                var one = one
                await one.work(client, progress: progress, until: isOver)
                return (number, one)
              }
            }
            return await group.reduce(into: clients) { $0[$1.0] = $1.1 }
          }
        }
        // Some requests have been acknowledged; then it happens at any moment of the next ones.
        try await eventually { progress.value > 8 }
        try await Task.sleep(for: .milliseconds(.random(in: 0...500, using: &random)))
        let postmaster = try #require(installation.postmaster)
        switch fault {
        case .killServer: await server.kill()
        case .killPostmaster: Foundation.kill(postmaster, SIGKILL)
        case .killEverything: try await installation.killEverything(server)
        }
        // Each client meets the fault, or goes on until PostgreSQL is back.
        try await eventually {
          fault != .killPostmaster || (installation.postmaster ?? postmaster) != postmaster
        }
        isOver.add()
        clients = await work.value
        if fault == .killServer {
          // A statement of the killed server continues in PostgreSQL until PostgreSQL notices.
          try await eventually { Processes.sessions(of: postmaster).isEmpty }
        }
        if fault != .killPostmaster { server = try await installation.serve() }
        let after = try server.client(key: key)
        try await Self.check(&clients, after, "seed \(seed), \(fault)")
      }
      #expect(clients.map(\.acknowledged).reduce(0, +) > 10)
    }
  }

  /// Expects that the rows equal the clients' models and that the counts equal the rows.
  static func check(_ clients: inout [FaultyClient], _ client: HTTPClient, _ comment: Comment) async throws {
    let stored = try await client.whenAvailable { [count = clients.count] in
      try await FaultModel.stored(client, clients: count)
    }
    for number in clients.indices {
      let before = clients[number]
      let isKnown = clients[number].settle(stored[number])
      #expect(
        isKnown,
        "\(comment): client \(number) \(difference(before.model, stored[number])), open \(String(describing: before.open))"
      )
    }
    let counts = stored.map(\.counts).reduce((0, 0)) { ($0.0 + $1.rows, $0.1 + $1.positives) }
    let dataset = try await client.whenAvailable { try await client.dataset() }
    #expect(dataset["labels_stored"].int == counts.0, comment)
    #expect(dataset["positives"].int == counts.1, comment)
    #expect(dataset["negatives"].int == counts.0 - counts.1, comment)
  }

  private static func difference(_ expected: FaultModel, _ stored: FaultModel) -> String {
    let batches = Set(expected.batches.keys).union(stored.batches.keys)
      .filter { expected.batches[$0] != stored.batches[$0] }.sorted()
      .map { "batch \($0): \(expected.batches[$0] ?? 0) became \(stored.batches[$0] ?? 0)" }
    let keys = Set(expected.keyed.keys).union(stored.keyed.keys)
      .filter { expected.keyed[$0] != stored.keyed[$0] }.sorted()
    return "\(batches), keys \(keys)"
  }
}
