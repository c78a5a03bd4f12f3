import Foundation
import PostgreSQL
import TestSupport

/// Measures the client against PostgreSQL's own tools, in turn on the same server, and prints a table. The arguments select parts
/// (`select`, `insert`, `waiting`, `copy`, `fairness`); by default all run.
@main
struct Main {
  static let rounds = 3
  static let seconds = 2

  static func main() async throws {
    let parts = Set(CommandLine.arguments.dropFirst())
    let cluster = try await TestCluster(settings: [
      "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "shared_buffers": "512MB",
      "max_wal_size": "8GB",
    ])
    do {
      let tools = Tools(cluster)
      try await prepare(cluster.configuration)
      try await RoundTrips(tools: tools, configuration: cluster.configuration, parts: parts).run()
      if parts.isEmpty || parts.contains("waiting") {
        try await WaitStrategies(tools: tools, configuration: cluster.configuration).run()
      }
      if parts.isEmpty || parts.contains("copy") {
        try await Copies(tools: tools, configuration: cluster.configuration).run()
      }
      if parts.isEmpty || parts.contains("fairness") {
        try await Fairness(configuration: cluster.configuration).run()
      }
    } catch {
      print("failed: \(error)")
    }
    await cluster.remove()
  }

  static func prepare(_ configuration: ConnectionConfiguration) async throws {
    let connection = try await Connection.connect(configuration)
    try await connection.execute(
      script: """
        CREATE TABLE kv (id int8 PRIMARY KEY, value float8 NOT NULL);
        INSERT INTO kv SELECT i, random() FROM generate_series(1, 100000) i;
        CREATE TABLE log (id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, value int8 NOT NULL);
        CREATE TABLE wide (id int8, a float8, b float8, c float8, d float8, e float8, f float8, g float8,
          h float8, i float8, j float8, label int2);
        INSERT INTO wide SELECT n, random(), random(), random(), random(), random(), random(), random(),
          random(), random(), random(), n % 2 FROM generate_series(1, 1000000) n;
        CREATE UNLOGGED TABLE sink (LIKE wide);
        """)
    try await connection.query("VACUUM ANALYZE")
    await connection.close()
  }
}
