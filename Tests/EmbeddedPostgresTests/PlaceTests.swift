import Foundation
import Testing

import TestSupport
@testable import EmbeddedPostgres

/// Where people put data directories.
@Suite(.serialized) struct PlaceTests {
  @Test func `a path too long for a socket address gets a short socket directory, the same again`()
    async throws
  {
    let name = String(repeating: "long-name/", count: 12) + "data"
    try await withDataDirectory(name: name) { path in
      var sockets: Set<String> = []
      for _ in 0..<2 {
        let cluster = EmbeddedCluster(.shop(path), logger: .quiet)
        let connections = try await cluster.start()
        #expect(try await psql("SELECT 1", connections.app) == "1")
        let socket = try #require(connections.app["host"])
        let status = try #require(try FileSystem.status(socket))
        #expect(status.st_mode & 0o777 == 0o700)
        sockets.insert(socket)
        try await cluster.stop()
      }
      #expect(sockets.count == 1)
    }
  }

  @Test func `a recorded socket directory that somebody else made since is not used`() async throws {
    let name = String(repeating: "long-name/", count: 12) + "data"
    try await withDataDirectory(name: name) { path in
      let cluster = EmbeddedCluster(.shop(path), logger: .quiet)
      let first = try #require(try await cluster.start().app["host"])
      try await cluster.stop()
      chmod(first, 0o777)
      let second = try #require(try await cluster.start().app["host"])
      #expect(second != first)
      try await cluster.stop()
      try FileSystem.remove(first)
    }
  }

  @Test func `odd characters in the path mean nothing to any shell or setting`() async throws {
    try await withDataDirectory(name: "it's \"$HOME\", `id` \\ & ü") { path in
      let answer = try await EmbeddedCluster.withCluster(.shop(path), logger: .quiet) {
        try await psql("SELECT 1", $0.app)
      }
      #expect(answer == "1")
    }
  }

  @Test(.enabled(if: getuid() == 0, "only root has directories that PostgreSQL's user cannot reach"))
  func `below a closed directory the cluster goes elsewhere and is found again`() async throws {
    try await withDataDirectory(mode: 0o700) { path in
      for expected in ["1", "2"] {
        let answer = try await EmbeddedCluster.withCluster(.shop(path), logger: .quiet) {
          _ = try await psql("CREATE TABLE IF NOT EXISTS visits (at timestamptz DEFAULT now())", $0.admin)
          return try await psql("INSERT INTO visits DEFAULT VALUES; SELECT count(*) FROM visits", $0.admin)
        }
        #expect(answer == expected)
      }
      let elsewhere = try #require(FileSystem.text("\(path)/postgresql.location")).trimmingNewlines
      #expect(elsewhere.hasPrefix("/tmp/shop-clusters/"))
      let status = try #require(try FileSystem.status(elsewhere))
      #expect(status.st_mode & 0o777 == 0o700)
    }
  }

  @Test(.enabled(if: getuid() == 0, "only root has directories that PostgreSQL's user cannot reach"))
  func `a cluster that was moved out of reach is an error that says so`() async throws {
    try await withDataDirectory { path in
      try await EmbeddedCluster.withCluster(.shop(path), logger: .quiet) { _ in }
      let parent = FileSystem.parent(of: path)
      chmod(parent, 0o700)
      do {
        try await EmbeddedCluster.withCluster(.shop(path), logger: .quiet) { _ in }
        Issue.record("reached")
      } catch EmbeddedPostgresError.notReachable(let reached, let user) {
        #expect(reached == "\(path)/postgresql")
        #expect(user == "postgres")
      }
      chmod(parent, 0o755)
    }
  }

  @Test func `a recorded place without a cluster is an error, not an empty database`() async throws {
    try await withDataDirectory { path in
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try FileSystem.replace("\(path)/postgresql.location", with: "/tmp/shop-clusters/gone\n", mode: 0o644)
      await #expect(throws: EmbeddedPostgresError.self) {
        try await EmbeddedCluster.withCluster(.shop(path), logger: .quiet) { _ in }
      }
      try FileSystem.remove("\(path)/postgresql.location")
    }
  }

  @Test func `a cluster of a version that is not installed is named`() async throws {
    let user = try ClusterUser.choose(for: "/nonexistent")
    do {
      _ = try await Installation.find(clusterMajor: 14, clusterDirectory: "/x", as: user)
      Issue.record("found 14")
    } catch EmbeddedPostgresError.versionMismatch(let cluster, let available, _) {
      #expect(cluster == 14)
      #expect(available.contains { $0 >= 15 })
    }
  }
}
