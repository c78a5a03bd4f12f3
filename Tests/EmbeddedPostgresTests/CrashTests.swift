import Foundation
import Subprocess
import SystemPackage
import Testing

import TestSupport
@testable import EmbeddedPostgres

/// The effects of `kill -9`, of a reboot and of a closed terminal.
@Suite(.serialized) struct CrashTests {
  @Test func `the cluster outlives a killed holder, and the next one takes it over`() async throws {
    try await withDataDirectory { path in
      let left = try await withHolder(of: path) { holder in
        let server = try #require(postmaster(of: path))
        kill(holder, SIGKILL)
        return server
      }
      let next = EmbeddedCluster(.shop(path), logger: .quiet)
      let connections = try await next.start()
      #expect(postmaster(of: path)?.processID == left.processID)
      #expect(try await psql("SELECT 1", connections.app) == "1")
      try await next.stop()
      #expect(postmaster(of: path) == nil)
    }
  }

  @Test func `a Ctrl-C at the holder's terminal does not reach the cluster`() async throws {
    try await withDataDirectory { path in
      let server = try await withHolder(of: path) { holder in
        let server = try #require(postmaster(of: path))
        #expect(getsid(server.processID) == server.processID)
        #expect(getpgid(server.processID) != getpgid(holder))
        kill(-holder, SIGINT)
        return server
      }
      #expect(Postmaster.isAlive(server.processID))
    }
  }

  @Test func `a killed postmaster is started again under supervision, with what was committed`() async throws
  {
    try await withDataDirectory { path in
      let cluster = EmbeddedCluster(.shop(path), logger: .quiet)
      let connections = try await cluster.start()
      _ = try await psql("CREATE TABLE kept AS SELECT 7 AS n", connections.admin)
      let supervision = Task { try await cluster.supervise() }
      for _ in 0..<2 {
        let killed = try #require(postmaster(of: path))
        // A session in a long statement looks for its postmaster only at the end; it must not hold up the restart.
        async let stuck = try? psql(
          "SELECT count(*) FROM generate_series(1, 100000000000)", connections.admin)
        _ = try await eventually {
          try await psql(
            "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%generate_series%' AND pid <> pg_backend_pid()",
            connections.admin) == "1" ? true : nil
        }
        kill(killed.processID, SIGKILL)
        let restarted = try await eventually {
          postmaster(of: path).flatMap { $0.processID != killed.processID && $0.phase == .ready ? $0 : nil }
        }
        #expect(restarted.address == killed.address)
        #expect(try await psql("SELECT n FROM kept", connections.admin) == "7")
        _ = await stuck
      }
      supervision.cancel()
      try await supervision.value
      try await cluster.stop()
    }
  }

  @Test func `a stop is not mistaken for a death`() async throws {
    try await withDataDirectory { path in
      let cluster = EmbeddedCluster(.shop(path), logger: .quiet)
      _ = try await cluster.start()
      let supervision = Task { try await cluster.supervise() }
      try await cluster.stop()
      try await supervision.value
      #expect(postmaster(of: path) == nil)
    }
  }

  @Test func `lock files of the dead, of strangers and of nobody do not hinder a start`() async throws {
    try await withDataDirectory { path in
      let cluster = EmbeddedCluster(.shop(path), logger: .quiet)
      _ = try await cluster.start()
      let lockFile = "\(path)/postgresql/data/postmaster.pid"
      let written = try #require(FileSystem.text(lockFile))
      try await cluster.stop()

      let lines = written.split(separator: "\n", omittingEmptySubsequences: false).dropFirst()
      let owner = try ClusterUser.choose(for: "\(path)/postgresql")
      // A dead child that its parent, busy sleeping, does not collect.
      let parent = Process()
      let pipe = Pipe()
      parent.executableURL = URL(fileURLWithPath: "/bin/sh")
      parent.arguments = ["-c", "sleep 0.5 & echo $!; exec sleep 600"]
      parent.standardOutput = pipe
      parent.standardError = FileHandle.nullDevice
      try parent.run()
      // It may have been started with other signals blocked, and would outlive the tests.
      defer { kill(parent.processIdentifier, SIGKILL) }
      let zombie = String(decoding: pipe.fileHandleForReading.availableData, as: UTF8.self).trimmingNewlines
      // Our own process, one that cannot be, no number, and nothing at all.
      let texts = [zombie, "\(getpid())", "4194303", "junk"].map {
        ([$0] + lines.map(String.init)).joined(separator: "\n")
      }
      for text in texts + [""] {
        try FileSystem.replace(lockFile, with: text, mode: 0o600, owner: owner)
        try FileSystem.replace("\(path)/postgresql/serve.lock", with: "1\n", mode: 0o600)
        let next = EmbeddedCluster(.shop(path), logger: .quiet)
        let connections = try await next.start()
        #expect(try await psql("SELECT 1", connections.app) == "1", "\(text)")
        try await next.stop()
      }
    }
  }

  /// Runs the body beside a process of its own that holds the data directory, with the process's id, which is also its
  /// group's.
  private func withHolder<T: Sendable>(
    of path: String, _ body: @Sendable (Int32) async throws -> T
  ) async throws -> T {
    let program = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
      .appendingPathComponent("EmbeddedPostgresHolder").path
    var options = PlatformOptions()
    options.processGroupID = 0
    return try await Subprocess.run(
      .path(FilePath(program)), arguments: [path], platformOptions: options, input: .none,
      output: .sequence, error: .discarded
    ) { execution in
      for try await line in execution.standardOutput.strings() where !line.isEmpty {
        #expect(line == "ready")
        break
      }
      defer { kill(execution.processIdentifier.value, SIGKILL) }
      return try await body(execution.processIdentifier.value)
    }.closureResult
  }
}
