import Foundation
import HTTPTestSupport
import Testing
import TestSupport

/// Tests of starting and stopping a server with a private PostgreSQL.
@Suite(.serialized) struct LifetimeTests {
  @Test(.timeLimit(.minutes(10)))
  func `a terminated server stops its PostgreSQL and exits with 0`() async throws {
    try await TestInstallation.with { installation in
      let start = ContinuousClock.now
      let server = try await installation.serve()
      let starting = ContinuousClock.now - start
      let postmaster = try #require(installation.postmaster)
      let end = ContinuousClock.now
      #expect(try await server.terminate() == .exited(0), "\(server.log)")
      // Nothing held it up until its grace period was over; a machine that starts slowly stops slowly.
      #expect(ContinuousClock.now - end < max(.seconds(20), starting * 10))
      #expect(!Processes.isAlive(postmaster))
      #expect(
        !FileManager.default.fileExists(
          atPath: "\(installation.dataDirectory)/postgresql/data/postmaster.pid"))
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a terminated server releases its training job`() async throws {
    try await TestInstallation.with { installation in
      let server = try await installation.serve()
      let key = try await installation.tenant()
      let client = try server.client(key: key)
      let place = try await client.startSlowTraining()
      #expect(try await server.terminate() == .exited(0), "\(server.log)")

      let next = try await installation.serve().client(key: key)
      let ended = try await eventually {
        let job = try await next.get(place).json
        return ["queued", "running"].contains(job["state"].string) ? nil : job
      }
      #expect(ended["state"] == "succeeded", "\(ended.text)")
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `keys and data survive a restart`() async throws {
    try await TestInstallation.with { installation in
      // The command creates the database before the first start of the server.
      let key = try await installation.tenant()
      #expect(installation.postmaster == nil)
      var server = try await installation.serve()
      try await server.client(key: key).makeDataset()
      let second = try await installation.tenant("second")
      #expect(try await server.terminate() == .exited(0))

      server = try await installation.serve()
      #expect(try await server.client(key: key).labelsStored() == 0)
      #expect(try await server.client(key: second).get("/v1/datasets").json["data"] == [])
      #expect(try await server.client(key: second).get("/v1/datasets/d").status == 404)
      let tenants = try await installation.run("tenant", "list")
      #expect(
        tenants.output.split(separator: "\n").map { $0.split(separator: "\t")[0] } == ["acme", "second"])
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a second server on the same data is refused`() async throws {
    try await TestInstallation.with { installation in
      let server = try await installation.serve()
      let refused = try await installation.run("serve")
      #expect(refused.status != .exited(0))
      #expect(refused.errors.contains("\(server.pid)"), "\(refused)")
      #expect(try await server.client().get("/readyz").status == 200)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `the key of a deleted tenant is invalid`() async throws {
    try await TestInstallation.with { installation in
      let server = try await installation.serve()
      let key = try await installation.tenant()
      let client = try server.client(key: key)
      try await client.makeDataset()
      try await client.addLabels(SmallData.rows(50))
      let deleted = try await installation.run("tenant", "delete", "acme", "--yes")
      #expect(deleted.status == .exited(0), "\(deleted)")
      _ = try await eventually { try await client.get("/v1/datasets").status == 401 ? true : nil }
      let again = try await installation.tenant()
      #expect(try await server.client(key: again).get("/v1/datasets").json["data"] == [])
    }
  }
}
