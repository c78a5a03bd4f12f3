import HTTPTestSupport
import Testing
import TestSupport

/// Tests of the commands' output: help, usage errors, and the management of tenants and keys.
@Suite struct CommandLineTests {
  @Test(.timeLimit(.minutes(10)))
  func `the help lists every command`() async throws {
    try await TestInstallation.with { installation in
      let help = try await installation.run("--help")
      #expect(help.status == .exited(0))
      for command in ["serve", "work", "migrate", "tenant", "key", "health"] {
        #expect(help.output.contains(command))
        let own = try await installation.run(command, "--help")
        #expect(own.status == .exited(0), "\(command)")
        #expect(own.output.contains("USAGE: verdict \(command)"), "\(command)")
      }
      let version = try await installation.run("--version")
      #expect(version.output.firstMatch(of: #/^\d+\.\d+\.\d+\n$/#) != nil, "\(version)")
    }
  }

  /// Arguments, additional environment, and a word that the error must contain.
  @Test(
    .timeLimit(.minutes(10)),
    arguments: [
      (["serve", "--prot", "80"], [:], "--prot"),
      (["server"], [:], "server"),
      (["serve", "--port", "eighty"], [:], "eighty"),
      (["serve", "--port", "70000"], [:], "port"),
      (["serve", "--port=-1"], [:], "port"),
      (["serve"], ["VERDICT_PORT": "eighty"], "VERDICT_PORT"),
      (["serve"], ["VERDICT_PORT": "70000"], "port"),
      (["serve"], ["VERDICT_WORKERS": "many"], "VERDICT_WORKERS"),
      (["serve"], ["VERDICT_POOL_SIZE": "1"], "pool"),
      (["serve"], ["VERDICT_LOG_LEVEL": "loud"], "loud"),
      (["serve", "--workers=-1"], [:], "orkers"),
      (["work"], [:], "DATABASE_URL"),
      (["migrate", "now"], [:], "now"),
      (["tenant", "create"], [:], "name"),
      (["tenant", "create", "Ünder Score"], [:], "name"),
      (["tenant", "create", ""], [:], "name"),
      (["key", "create", "acme", "--role", "root"], [:], "role"),
      (["key", "revoke", "acme", "one"], [:], "one"),
    ] as [([String], [String: String], String)])
  func `a usage error names the mistake`(arguments: [String], settings: [String: String], word: String)
    async throws
  {
    try await TestInstallation.with(settings: settings) { installation in
      let refused = try await installation.run(all: arguments)
      #expect(refused.status == .exited(64), "\(refused)")
      #expect(refused.errors.contains(word), "\(refused)")
      #expect(refused.output == "")
      #expect(installation.postmaster == nil)
    }
  }

  @Test(
    .timeLimit(.minutes(10)),
    arguments: ["postgres://127.0.0.1:1/none?connect_timeout=2", "host=/nonexistent dbname=x", "nonsense"])
  func `an unreachable database is named without its password`(url: String) async throws {
    try await TestInstallation.with(database: url, settings: ["PGPASSWORD": "hidden"]) { installation in
      for arguments in [["migrate"], ["tenant", "list"]] {
        let failed = try await installation.run(all: arguments)
        #expect(failed.status != .exited(0), "\(failed)")
        #expect(!failed.errors.isEmpty)
        #expect(!failed.errors.contains("hidden"))
      }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `tenants and keys are created, listed and revoked`() async throws {
    try await TestInstallation.with { installation in
      let server = try await installation.serve()
      _ = try await installation.tenant()
      let twice = try await installation.run("tenant", "create", "acme")
      #expect(twice.status != .exited(0))
      #expect(twice.errors.contains("acme"), "\(twice)")
      let nobody = try await installation.run("key", "create", "nobody")
      #expect(nobody.status != .exited(0))
      #expect(nobody.errors.contains("nobody"), "\(nobody)")

      let made = try await installation.run(
        "key", "create", "acme", "--role", "read", "--name", "r", "--json")
      let key = try JSON(parsing: made.output.utf8)
      let client = try server.client(key: key["key"].string)
      #expect(try await client.get("/v1/datasets").status == 200)
      #expect(try await client.get("/v1/keys").status == 403)
      let listed = try JSON(parsing: try await installation.run("key", "list", "acme", "--json").output.utf8)
      #expect(listed.elements.map { $0["role"] } == ["admin", "read"])
      #expect(!listed.text.contains("vd_"))
      let number = try #require(key["id"].int)
      #expect(try await installation.run("key", "revoke", "acme", "\(number)").status == .exited(0))
      _ = try await eventually { try await client.get("/v1/datasets").status == 401 ? true : nil }
      #expect(try await installation.run("key", "revoke", "acme", "\(number)").status != .exited(0))

      let port = try #require(server.port)
      #expect(try await installation.run("health", "--port", "\(port)").status == .exited(0))
      #expect(try await server.terminate() == .exited(0))
      #expect(try await installation.run("health", "--port", "\(port)").status != .exited(0))
    }
  }
}
