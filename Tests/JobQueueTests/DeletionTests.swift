import JobQueue
import PostgreSQL
import Testing

/// Deletion of the jobs of a tenant or a subject, in steps and at once.
@Suite struct DeletionTests {
  @Test func `the jobs of a tenant go in bounded steps, in every state, and no other tenant's`() async throws
  {
    try await withQueue { bench in
      for subject in 1...7 { try await bench.enqueue(subject: Int64(subject)) }
      _ = try await bench.queue.claim(worker: "w")
      try await bench.succeed(try #require(try await bench.queue.claim(worker: "w")))
      let other = try await bench.enqueue(tenant: 2)
      var sizes: [Int] = []
      var last: Int64?
      while let step = try await bench.asTenant(
        1, { try await JobQueue.deleteStep(tenant: 1, after: last, limit: 3, in: $0) })
      {
        sizes.append(step.deleted)
        last = step.last
      }
      #expect(sizes == [3, 3, 1])
      #expect(
        try await bench.admin.query("SELECT id FROM jobs").map { try $0.decode(Int64.self) } == [other.id])
    }
  }

  @Test func `the jobs of a subject go alone`() async throws {
    try await withQueue { bench in
      for subject in [1, 1, 2] as [Int64] { try await bench.enqueue(subject: subject) }
      let step = try await bench.asTenant(1) {
        try await JobQueue.deleteStep(tenant: 1, subject: ("training", 1), limit: 10, in: $0)
      }
      #expect(step?.deleted == 2)
      try await bench.asTenant(1) {
        try await JobQueue.deleteJobs(tenant: 1, subject: ("export", 2), in: $0)
      }
      #expect(try await count(bench) == 1)
      try await bench.asTenant(1) {
        try await JobQueue.deleteJobs(tenant: 1, subject: ("training", 2), in: $0)
      }
      #expect(try await count(bench) == 0)
    }
  }

  @Test func `a tenant deletes no other tenant's jobs`() async throws {
    try await withQueue { bench in
      try await bench.enqueue(tenant: 2)
      let step = try await bench.asTenant(1) { try await JobQueue.deleteStep(tenant: 2, limit: 10, in: $0) }
      try await bench.asTenant(1) { try await JobQueue.deleteJobs(tenant: 2, in: $0) }
      #expect(step == nil)
      #expect(try await count(bench) == 1)
    }
  }

  private func count(_ bench: Bench) async throws -> Int? {
    try await bench.admin.query("SELECT count(*) FROM jobs").first?.decode(Int.self)
  }
}
