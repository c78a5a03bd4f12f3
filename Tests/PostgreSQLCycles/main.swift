import Foundation
import PostgreSQL

// A process of its own, so that nothing else uses memory or descriptors: borrows connections, uses them in every
// way and breaks some, and prints what is left over. Arguments: socket directory, database, number of cycles.
let arguments = CommandLine.arguments
let cycles = Int(arguments[3]) ?? 10_000
let configuration = ConnectionConfiguration(parameters: [
  "host": arguments[1], "port": "5432", "user": "postgres", "dbname": arguments[2],
])
let pool = ConnectionPool(.init(connection: configuration, maximum: 4))

func cycle(_ number: Int) async throws {
  switch number % 40 {
  case 0:
    let task = Task { try await pool.query("SELECT pg_sleep(10)") }
    try await Task.sleep(for: .microseconds(number % 800))
    task.cancel()
    _ = await task.result
  case 1: _ = try? await pool.query("SELECT pg_terminate_backend(pg_backend_pid())")
  case 2..<8: _ = try? await pool.query("SELECT 1 / \(number % 1)")
  case 8..<12:
    _ = try? await pool.transaction { transaction in
      try await transaction.query("SELECT \(number)")
      _ = try? await transaction.query("SELECT 1/0")
    }
  case 12..<16:
    try await pool.withConnection { connection in
      try await connection.copyOut("COPY (SELECT generate_series(1, 2000)) TO STDOUT") { stream in
        if number % 2 == 0 { while try await stream.nextBytes() != nil {} }
      }
    }
  case 16..<20:
    try await pool.withConnection { connection in
      _ = try? await connection.copyIn("COPY sink FROM STDIN") { writer in
        try await writer.write(number % 2 == 0 ? "1\n" : "x\n")
      }
    }
  case 20..<24: try await pool.pipeline(["SELECT \(number)", "SELECT \("text \(number)")"])
  case 24..<28: try await pool.query("SELECT \(unescaped: "\(number % 600)")")
  default:
    // As the transaction of an earlier cycle that was cut off can be in the way, not every one succeeds.
    _ = try? await pool.query("SELECT \(number), \([1.5, 2.5])").first?.decode(Int.self, [Double].self)
  }
}

func run(_ cycles: Int) async throws {
  try await withThrowingTaskGroup(of: Void.self) { group in
    for lane in 0..<4 {
      group.addTask { for number in stride(from: lane, to: cycles, by: 4) { try await cycle(number) } }
    }
    try await group.waitForAll()
  }
}

func residentKilobytes() -> Int {
  let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ")
  return (pages.flatMap { Int($0[1]) } ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) / 1024
}

func descriptors() -> Int {
  (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? -1
}

do {
  try await pool.query("CREATE TABLE IF NOT EXISTS sink (a int8)")
  // Caches, arenas and the pools of threads reach their size.
  try await run(max(cycles / 4, 40))
  let (memory, files) = (residentKilobytes(), descriptors())
  try await run(cycles)
  let statistics = pool.statistics()
  let sessions = try await pool.query(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
  print("sessions", try sessions.first?.decode(Int.self) ?? -1, "open", statistics.open)
  print("memory", residentKilobytes() - memory, "of", memory)
  print("files", descriptors() - files, "busy", statistics.inUse + statistics.waiting)
  await pool.close()
  // Connections that were open then held descriptors; none is open now.
  print("closed", descriptors() - files)
} catch {
  print("failed \(error)")
  exit(1)
}
