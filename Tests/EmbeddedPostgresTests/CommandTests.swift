import Testing

import TestSupport
@testable import EmbeddedPostgres

/// Short commands beside, before and across a server.
@Suite(.serialized) struct CommandTests {
  @Test func `a command alone starts the cluster and stops it`() async throws {
    try await withDataDirectory { path in
      let answer = try await EmbeddedCluster.withCluster(.shop(path), logger: .quiet) {
        try await psql("SELECT 41 + 1", $0.admin)
      }
      #expect(answer == "42")
      #expect(postmaster(of: path) == nil)
    }
  }

  @Test func `a command beside a server uses its cluster and leaves it running`() async throws {
    try await withDataDirectory { path in
      let server = EmbeddedCluster(.shop(path), logger: .quiet)
      _ = try await server.start()
      let before = postmaster(of: path)
      try await EmbeddedCluster.withCluster(.shop(path), logger: .quiet) {
        let answer = try await psql("SELECT 1", $0.admin)
        #expect(answer == "1")
      }
      #expect(postmaster(of: path) == before)
      try await server.stop()
    }
  }

  @Test func `a server that stops leaves the cluster to a command still at work`() async throws {
    try await withDataDirectory { path in
      let server = EmbeddedCluster(.shop(path), logger: .quiet)
      _ = try await server.start()
      try await EmbeddedCluster.withCluster(.shop(path), logger: .quiet) {
        try await server.stop()
        let answer = try await psql("SELECT 1", $0.admin)
        #expect(answer == "1")
      }
      #expect(postmaster(of: path) == nil)
    }
  }

  @Test func `many commands at once share one cluster and the last one stops it`() async throws {
    try await withDataDirectory { path in
      try await withThrowingTaskGroup(of: String.self) { group in
        for number in 0..<6 {
          group.addTask {
            try await EmbeddedCluster.withCluster(.shop(path), logger: .quiet) {
              try await psql("SELECT \(number)", $0.admin)
            }
          }
        }
        var answers: Set<String> = []
        for try await answer in group { answers.insert(answer) }
        #expect(answers.count == 6)
      }
      #expect(postmaster(of: path) == nil)
    }
  }

  @Test func `a failing command stops the cluster and its error comes out`() async throws {
    try await withDataDirectory { path in
      await #expect(throws: StatementFailed.self) {
        try await EmbeddedCluster.withCluster(.shop(path), logger: .quiet) {
          _ = try await psql("SELECT 1/0", $0.admin)
        }
      }
      #expect(postmaster(of: path) == nil)
    }
  }

  @Test func `a cancelled command stops the cluster all the same`() async throws {
    try await withDataDirectory { path in
      let command = Task {
        try await EmbeddedCluster.withCluster(.shop(path), logger: .quiet) { _ in
          try await Task.sleep(for: .seconds(600))
        }
      }
      _ = try await eventually { postmaster(of: path)?.phase == .ready ? true : nil }
      command.cancel()
      _ = try? await command.value
      #expect(postmaster(of: path) == nil)
    }
  }
}
