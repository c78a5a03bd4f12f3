import Foundation
import HTTPTestSupport
import TestSupport
import Testing

/// Tests that secrets appear in no log and in no process's arguments.
@Suite(.serialized) struct SecretTests {
  private static let password = "Pa55word0fTheDatabase"

  @Test(
    .timeLimit(.minutes(10)),
    arguments: [
      "postgres://verdict_app:\(password)@127.0.0.1:1/verdict", "host=127.0.0.1 port=1 password=\(password)",
      "postgres://127.0.0.1:1/verdict?password=\(password)", "host=127.0.0.1 port=1 sslpassword=\(password)",
    ])
  func `a password in an argument is refused`(url: String) async throws {
    try await TestInstallation.with { installation in
      for command in [["serve"], ["work"], ["migrate"], ["tenant", "list"], ["key", "list", "acme"]] {
        for (flag, variable) in [("--database-url", "DATABASE_URL"), ("--listen-url", "DATABASE_LISTEN_URL")]
        {
          let refused = try await installation.run(all: command + [flag, url])
          #expect(refused.status == .exited(64), "\(refused)")
          #expect(refused.errors.contains(variable), "\(refused)")
          #expect(!(refused.errors + refused.output).contains(Self.password))
        }
      }
      #expect(installation.postmaster == nil)
    }
    // A URL without a password is accepted. Its database does not exist.
    try await TestInstallation.with { installation in
      let taken = try await installation.run(
        "tenant", "list", "--database-url", "postgres://u@127.0.0.1:1/verdict")
      #expect(taken.status == .exited(1), "\(taken)")
    }
  }

  /// Runs with the most verbose logging of PostgreSQL and the server, and watches the arguments of all processes
  /// meanwhile.
  @Test(.timeLimit(.minutes(10)))
  func `a run with keys leaves no secret in logs or arguments`() async throws {
    let settings = ["log_statement": "all", "log_min_duration_statement": "0"]
    try await TestCluster.with(settings: settings) { cluster in
      let watch = ProcessWatch()
      try await TestInstallation.with(database: cluster.url()) { owner in
        let migrated = try await owner.run("migrate", settings: ["VERDICT_APP_PASSWORD": Self.password])
        #expect(migrated.status == .exited(0), "\(migrated)")
      }
      try await cluster.demandPasswords(of: "verdict_app")
      let url = cluster.url(user: "verdict_app", password: Self.password)
      try await TestInstallation.with(database: url, settings: ["VERDICT_LOG_LEVEL": "trace"]) {
        installation in
        let logs = try await Self.drive(installation)
        let database = try String(contentsOfFile: "\(cluster.directory)/log", encoding: .utf8)
        #expect(database.contains("INSERT INTO api_keys"), "PostgreSQL does not log statements")
        #expect(database.contains("ALTER ROLE verdict_app"), "PostgreSQL does not log statements")
        for (name, text) in logs + [
          ("PostgreSQL's log", database), ("a process's arguments", await watch.stop()),
        ] {
          #expect(text.count > 200, "\(name) is too short to be conclusive")
          #expect(text.firstMatch(of: #/vd_\d+_[0-9a-f]{64}/#) == nil, "\(name) contains a key")
          #expect(!text.contains(Self.password), "\(name) contains the password")
        }
      }
    }
  }

  /// Creates keys in every way, sends valid and invalid ones, and returns the logs.
  private static func drive(_ installation: TestInstallation) async throws -> [(String, String)] {
    let server = try await installation.serve()
    let worker = try await installation.work()
    let key = try await installation.tenant()
    let client = try server.client(key: key)
    for (role, extra) in [("read", ["--json"]), ("write", [])] {
      let made = try await installation.run(
        all: ["key", "create", "acme", "--role", role, "--name", role] + extra)
      #expect(made.output.firstMatch(of: #/vd_\d+_[0-9a-f]{64}/#) != nil, "\(made)")
    }
    for _ in 0..<2 {
      let made = try await client.post(
        "/v1/keys", ["name": "k", "role": "read"], headers: ["Idempotency-Key": "once"])
      #expect(made.status == 201)
    }
    let other = "vd_1_" + String(repeating: "0123456789abcdef", count: 4)
    #expect(try await client.with(key: other).get("/v1/datasets").status == 401)
    #expect(try await client.with(key: key + "0").get("/v1/datasets").status == 401)
    _ = try await client.post("/v1/keys", ["name": "k", "role": "root"])
    try await client.makeDataset()
    try await client.addLabels(SmallData.rows(60))
    try await client.train()
    _ = try await client.delete("/v1/keys/2")
    #expect(try await server.terminate() == .exited(0))
    #expect(try await worker.terminate() == .exited(0))
    return [("the server's log", server.log), ("the worker's log", worker.log)]
  }
}

/// Polls the arguments of all processes.
private final class ProcessWatch: Sendable {
  private let task: Task<String, Never>

  init() {
    task = Task.detached {
      var seen: Set<String> = []
      while !Task.isCancelled {
        for pid in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        where Int32(pid) != nil {
          guard let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else { continue }
          let text = String(decoding: line, as: UTF8.self)
          if text.contains("verdict") || text.contains("postgres") { seen.insert(text) }
        }
        try? await Task.sleep(for: .milliseconds(5))
      }
      return seen.sorted().joined(separator: "\n")
    }
  }

  /// Returns all arguments that were seen.
  func stop() async -> String {
    task.cancel()
    return await task.value
  }
}
