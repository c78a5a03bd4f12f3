import Foundation
import HTTPTestSupport
import PostgreSQL
import TestSupport
import Testing

/// Tests with a PostgreSQL that the operator runs.
@Suite(.serialized) struct OperatorDatabaseTests {
  @Test(.timeLimit(.minutes(10)))
  func `migrating twice applies once`() async throws {
    try await TestCluster.with { cluster in
      try await TestInstallation.with(database: cluster.url()) { installation in
        let first = try await installation.run("migrate")
        #expect(first.status == .exited(0), "\(first)")
        #expect(first.output.hasPrefix("applied 0001"))
        let second = try await installation.run("migrate")
        #expect(second.status == .exited(0), "\(second)")
        #expect(second.output == "nothing to apply\n")
        #expect(!FileManager.default.fileExists(atPath: installation.dataDirectory))
      }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `migrating concurrently applies once`() async throws {
    try await TestCluster.with { cluster in
      try await TestInstallation.with(database: cluster.url()) { installation in
        async let one = installation.run("migrate")
        async let other = installation.run("migrate")
        let both = try await [one, other]
        #expect(both.allSatisfy { $0.status == .exited(0) }, "\(both)")
        let outputs = both.map(\.output).sorted()
        #expect(outputs.first?.hasPrefix("applied 0001") == true)
        #expect(outputs.last == "nothing to apply\n")
      }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `an unmigrated database is reported as unavailable`() async throws {
    try await TestCluster.with { cluster in
      // First without the role, then with the role, which another database has created, but without the tables.
      for database in ["postgres", "empty"] {
        if database == "empty" {
          try await TestInstallation.with(database: cluster.url()) { _ = try await $0.run("migrate") }
          try await withConnection(cluster.configuration) {
            _ = try await $0.query("CREATE DATABASE empty")
          }
        }
        try await TestInstallation.with(database: cluster.url(database: database)) { installation in
          let server = try await installation.serve()
          let client = try server.client(key: "vd_1_" + String(repeating: "0", count: 64))
          #expect(try await client.get("/healthz").status == 200)
          for path in ["/readyz", "/v1/datasets", "/v1/datasets/d", "/v1/keys", "/v1/datasets/d/kpis"] {
            let answer = try await client.get(path)
            #expect(answer.status == 503, "\(database) \(path): \(answer)")
            #expect(answer.isProblem)
            #expect(answer.headers["retry-after"] != nil)
          }
          // The server becomes ready as soon as the database is migrated.
          let migrated = try await installation.run("migrate")
          #expect(migrated.status == .exited(0), "\(migrated)")
          _ = try await eventually { try await client.get("/readyz").status == 200 ? true : nil }
          #expect(try await client.get("/v1/datasets").status == 401)
          #expect(!FileManager.default.fileExists(atPath: installation.dataDirectory))
        }
      }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `the server connects as its role with a password`() async throws {
    try await TestCluster.with { cluster in
      let password = "it's \\ a % \"secret\""
      try await TestInstallation.with(database: cluster.url()) { owner in
        let migrated = try await owner.run("migrate", settings: ["VERDICT_APP_PASSWORD": password])
        #expect(migrated.status == .exited(0), "\(migrated)")
        #expect(!(migrated.output + migrated.errors).contains("secret"))
      }
      try await cluster.demandPasswords(of: "verdict_app")
      let wrong = cluster.url(user: "verdict_app", password: "guess")
      try await TestInstallation.with(database: wrong) { installation in
        let refused = try await installation.run("tenant", "list")
        #expect(refused.status != .exited(0))
      }
      let url = cluster.url(user: "verdict_app", password: password)
      try await TestInstallation.with(database: url) { installation in
        let server = try await installation.serve()
        let client = try server.client(key: try await installation.tenant())
        #expect(try await client.get("/readyz").status == 200)
        try await client.makeDataset()
        try await client.addLabels(SmallData.rows(60))
        try await client.train()
        let row = SmallData.rows(1)[0]
        #expect(try await client.post("/v1/datasets/d/predictions", ["features": row.features]).status == 201)
        #expect(!FileManager.default.fileExists(atPath: installation.dataDirectory))
        #expect(!server.log.contains("secret"))
        #expect(try await server.terminate() == .exited(0), "\(server.log)")
      }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `the server recovers from outages of the database`() async throws {
    try await TestCluster.with { cluster in
      try await TestInstallation.with(database: cluster.url()) { installation in
        #expect(try await installation.run("migrate").status == .exited(0))
        let server = try await installation.serve()
        let client = try server.client(key: try await installation.tenant())
        try await client.makeDataset()
        try await client.addLabels(SmallData.rows(60))
        try await client.train()
        let row: JSON = ["features": SmallData.rows(1)[0].features]
        for round in 1...2 {
          try await cluster.stop()
          // The status is cached for one second.
          _ = try await eventually { try await client.get("/readyz").status == 503 ? true : nil }
          let answers = [
            try await client.get("/readyz"),
            try await client.get("/v1/datasets"),
            try await client.post("/v1/datasets/d/labels", SmallData.batch(SmallData.rows(1))),
            try await client.post("/v1/datasets/d/predictions", row),
            try await client.post("/v1/datasets/d/training-jobs", [:]),
          ]
          for answer in answers {
            #expect(answer.status == 503, "\(answer)")
            #expect(answer.problem == "database-unavailable")
            #expect(answer.isProblem)
            #expect(answer.headers["retry-after"] != nil)
          }
          #expect(try await client.get("/healthz").status == 200)
          #expect(try await client.get("/metrics").status == 200)

          try await cluster.start()
          _ = try await eventually { try await client.get("/readyz").status == 200 ? true : nil }
          #expect(try await client.labelsStored() == 60)
          #expect(try await client.post("/v1/datasets/d/predictions", row).status == 201)
          // The worker has recovered, too.
          #expect(try await client.train()["model_version"].int == round + 1)
          // Change notifications have recovered as well: a closed gate takes effect at once.
          let gate: JSON = ["gate": ["metric": "accuracy", "minimum": 1]]
          #expect(try await client.patch("/v1/datasets/d", gate).status == 200)
          #expect(try await client.post("/v1/datasets/d/predictions", row).status == 409)
          #expect(try await client.patch("/v1/datasets/d", ["gate": .null]).status == 200)
        }
        #expect(try await server.terminate() == .exited(0), "\(server.log)")
      }
    }
  }
}
