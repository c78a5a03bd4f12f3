import Synchronization
import Testing

@testable import VerdictCore

/// The ledger of the memory of requests.
@Suite struct RequestMemoryTests {
  private let tenants = (1...5).map { TenantID(rawValue: $0) }

  @Test func `reservations grow, shrink and end with their last reference`() throws {
    let memory = RequestMemory(limit: 1_600)
    let first = RequestMemory.Reservation(of: memory, for: tenants[0])
    try first.set(600)
    do {
      let second = RequestMemory.Reservation(of: memory, for: tenants[0])
      // A tenant gets half of the memory.
      #expect(throws: RequestMemory.Exhausted()) { try second.set(201) }
      try second.set(150)
      try second.add(50)
      #expect(memory.taken == 800)
    }
    #expect(memory.taken == 600)
    #expect(first.resize(to: 100))
    #expect(memory.taken == 100 && memory.peak == 800)
  }

  @Test func `what can never fit is told apart from what does not fit now`() throws {
    let memory = RequestMemory(limit: 1_600)
    let one = RequestMemory.Reservation(of: memory, for: tenants[0])
    #expect(throws: RequestMemory.TooLarge(bytes: 801, limit: 800)) { try one.set(801) }
    #expect(memory.taken == 0)
    try one.set(800)
    #expect(throws: RequestMemory.TooLarge(bytes: 900, limit: 800)) { try one.add(100) }
    #expect(one.count == 800)
  }

  @Test func `the last quarter is left to tenants that hold little`() throws {
    let memory = RequestMemory(limit: 1_600)
    let large = tenants.prefix(2).map { RequestMemory.Reservation(of: memory, for: $0) }
    try large[0].set(800)
    try large[1].set(400)
    #expect(throws: RequestMemory.Exhausted()) { try large[1].set(401) }
    let small = tenants.suffix(3).map { RequestMemory.Reservation(of: memory, for: $0) }
    for reservation in small { try reservation.set(100) }
    #expect(throws: RequestMemory.Exhausted()) { try small[0].set(101) }
    #expect(memory.taken == 1_500)
  }

  @Test func `under pressure large tenants get no more, and then none does`() throws {
    let resident = Atomic(0)
    // A measurement is made for each reservation.
    func memory() -> RequestMemory {
      RequestMemory(limit: 1_600, pressure: MemoryPressure(limit: 800) { resident.load(ordering: .relaxed) })
    }
    for (bytes, large, small) in [(599, true, true), (600, false, true), (700, false, false)] {
      resident.store(bytes, ordering: .relaxed)
      #expect(RequestMemory.Reservation(of: memory(), for: tenants[0]).resize(to: 101) == large)
      #expect(RequestMemory.Reservation(of: memory(), for: tenants[0]).resize(to: 100) == small)
    }
  }
}

/// The memory that a process finds.
@Suite struct MachineMemoryTests {
  @Test func `the smallest limit of the nested groups counts`() {
    let files = [
      "/sys/fs/cgroup/a/b/memory.max": "max\n", "/sys/fs/cgroup/a/memory.max": "1073741824\n",
    ]
    #expect(MachineMemory.groupPath("12:pids:/x\n0::/a/b\n") == "/a/b")
    #expect(MachineMemory.groupPath("12:pids:/x\n") == nil)
    #expect(MachineMemory.groupLimits("/a/b") { files[$0] } == [1 << 30])
    #expect((MachineMemory.resident ?? 0) > 1 << 20)
    #expect(MachineMemory.limit > 64 << 20)
    #expect(MachineMemory.share(sixteenths: 16, in: 1...5) == 5)
    #expect(MachineMemory.share(sixteenths: 0, in: 2...5) == 2)
  }

  @Test func `the limit of a group of version 1 is found`() {
    let groups = "5:devices:/d\n4:memory:/a\n3:cpu,cpuacct:/c\n1:name=systemd:/\n0::/\n"
    #expect(MachineMemory.groupPath(groups, controller: "memory") == "/a")
    #expect(MachineMemory.groupPath(groups, controller: "cpuacct") == "/c")
    #expect(MachineMemory.groupPath(groups, controller: "pids") == nil)
    // As in a container, which sees its own group as the root.
    let files = ["/sys/fs/cgroup/memory/memory.limit_in_bytes": "2147483648\n"]
    let limits = MachineMemory.groupLimits(
      "/a", root: "/sys/fs/cgroup/memory", file: "memory.limit_in_bytes"
    ) { files[$0] }
    #expect(limits == [2 << 30])
  }
}

/// The end of a page at a number of bytes.
@Suite struct PageBudgetTests {
  @Test func `items are read in steps until those before the last reach the bound`() async throws {
    var asked: [Int] = []
    let size = PageBudget.bytes / 4
    let items = try await PageBudget.read(limit: 100, largest: PageBudget.bytes / 3, size: { _ in size }) {
      (last: Int?, count) in
      asked.append(count)
      return Array(((last ?? 0) + 1)...((last ?? 0) + count))
    }
    #expect(items == [1, 2, 3, 4, 5])
    #expect(asked == [3, 3])
  }

  @Test func `small items are read at once`() async throws {
    var asked: [Int] = []
    let items = try await PageBudget.read(limit: 7, largest: 100, size: { _ in 10 }) {
      (last: Int?, count) in
      asked.append(count)
      return last == nil ? [1, 2, 3] : []
    }
    #expect(items == [1, 2, 3])
    #expect(asked == [7])
  }
}
