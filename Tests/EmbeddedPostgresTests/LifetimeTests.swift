import Foundation
import Testing

import TestSupport
@testable import EmbeddedPostgres

/// Runs real servers.
@Suite(.serialized) struct LifetimeTests {
  @Test func `first start makes a database that the application's role can use but not govern`() async throws
  {
    try await withDataDirectory { path in
      let cluster = EmbeddedCluster(.shop(path), logger: .quiet)
      let connections = try await cluster.start()
      let role = try await psql(
        "SELECT current_user, current_database(), rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user",
        connections.app)
      #expect(role == "shop_app|shop|f|f")
      #expect(
        try await psql("SELECT rolsuper FROM pg_roles WHERE rolname = current_user", connections.admin) == "t"
      )
      for (setting, value) in [
        ("listen_addresses", ""), ("fsync", "on"), ("synchronous_commit", "on"), ("jit", "off"),
        ("server_encoding", "UTF8"), ("max_wal_size", "2GB"),
      ] {
        #expect(try await psql("SHOW \(setting)", connections.app) == value, "\(setting)")
      }
      try await cluster.stop()
      #expect(postmaster(of: path) == nil)
    }
  }

  @Test func `a restart keeps what was stored`() async throws {
    try await withDataDirectory { path in
      for expected in ["1", "2"] {
        let cluster = EmbeddedCluster(.shop(path), logger: .quiet)
        let admin = try await cluster.start().admin
        _ = try await psql("CREATE TABLE IF NOT EXISTS visits (at timestamptz DEFAULT now())", admin)
        #expect(
          try await psql("INSERT INTO visits DEFAULT VALUES; SELECT count(*) FROM visits", admin) == expected)
        try await cluster.stop()
      }
    }
  }

  @Test func `an interrupted first start is begun anew`() async throws {
    try await withDataDirectory { path in
      let directory = try await ClusterDirectory.prepare(.shop(path))
      try FileSystem.makeDirectory(directory.unfinishedData, mode: 0o700, owner: directory.user)
      try FileSystem.replace("\(directory.unfinishedData)/PG_VERSION", with: "15\n", mode: 0o600)
      let cluster = EmbeddedCluster(.shop(path), logger: .quiet)
      let connections = try await cluster.start()
      #expect(try await psql("SELECT 1", connections.app) == "1")
      try await cluster.stop()
    }
  }

  @Test func `a second holder is refused and told who is first, also after the first took over`() async throws
  {
    try await withDataDirectory { path in
      let first = EmbeddedCluster(.shop(path), logger: .quiet)
      let connections = try await first.start()
      let second = EmbeddedCluster(.shop(path), logger: .quiet)
      do {
        _ = try await second.start()
        Issue.record("two holders")
      } catch EmbeddedPostgresError.alreadyServing(let directory, let processID) {
        #expect(directory == path)
        #expect(processID == getpid())
      }
      #expect(try await psql("SELECT 1", connections.app) == "1")
      try await first.stop()
      _ = try await second.start()
      try await second.stop()
    }
  }

  @Test func `a failing start tells the server's last words`() async throws {
    try await withDataDirectory { path in
      let cluster = EmbeddedCluster(.shop(path), logger: .quiet)
      let admin = try await cluster.start().admin
      _ = try await psql("ALTER SYSTEM SET shared_preload_libraries = 'no_such_library'", admin)
      try await cluster.stop()
      let again = EmbeddedCluster(.shop(path), logger: .quiet)
      do {
        _ = try await again.start()
        Issue.record("started")
      } catch let error as EmbeddedPostgresError {
        #expect("\(error)".contains("no_such_library"))
      }
      try FileSystem.replace(
        "\(path)/postgresql/data/postgresql.auto.conf", with: "", mode: 0o600,
        owner: ClusterUser.choose(for: "\(path)/postgresql"))
      _ = try await again.start()
      try await again.stop()
    }
  }
}
