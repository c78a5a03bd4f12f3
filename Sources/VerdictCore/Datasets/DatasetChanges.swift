import PostgreSQL

/// The notifications by which servers learn that a cached dataset or key is out of date.
package enum DatasetChanges {
  /// The channel; the payload is `tenant:dataset`.
  package static let channel = "verdict_datasets"

  /// Notifies all servers of a change, when the caller's transaction commits (PostgreSQL manual, NOTIFY).
  static func announce(_ tenant: TenantID, dataset: Int, in tx: some QueryExecutor) async throws {
    try await tx.query("SELECT pg_notify(\(channel), \("\(tenant.rawValue):\(dataset)"))")
  }

  /// Notifies all servers of the changes of several datasets.
  static func announce(_ tenant: TenantID, datasets: [Int], in tx: some QueryExecutor) async throws {
    let payloads = datasets.map { "\(tenant.rawValue):\($0)" }
    try await tx.query("SELECT pg_notify(\(channel), payload) FROM unnest(\(payloads)) AS payload")
  }

  /// Sends a message between servers that is not about a dataset.
  package static func send(_ message: String, in database: Database) async throws {
    try await database.pool.query(
      "SELECT pg_notify(\(channel), \(message))", within: ServedDatasets.livenessTimeout)
  }

  /// Notifies all servers, when the caller's transaction commits, that a key of a tenant was revoked or, without a key, that
  /// all were.
  static func announceRevocation(_ tenant: TenantID, key: Int?, in tx: some QueryExecutor) async throws {
    let payload = "key:\(tenant.rawValue):\(key.map { "\($0)" } ?? "all")"
    try await tx.query("SELECT pg_notify(\(channel), \(payload))")
  }

  /// The tenant and the revoked key of a payload; a `nil` key stands for all.
  package static func parseRevocation(_ payload: String) -> (tenant: TenantID, key: Int?)? {
    let parts = payload.split(separator: ":")
    guard parts.count == 3, parts[0] == "key", let tenant = Int32(parts[1]) else { return nil }
    let key = Int(parts[2])
    guard key != nil || parts[2] == "all" else { return nil }
    return (TenantID(rawValue: tenant), key)
  }

  /// The name of a server's listening session, by which other servers find it.
  package static func listenerName(_ server: String) -> String { listenerPrefix + server }

  /// The names of all listening sessions of this database (PostgreSQL manual, pg_stat_activity).
  package static func listeners(in database: Database) async throws -> [String] {
    try await database.pool.query(
      """
      SELECT application_name FROM pg_stat_activity
      WHERE datname = current_database() AND starts_with(application_name, \(listenerPrefix))
      """
    ).map { try $0.decode(String.self) }
  }

  private static let listenerPrefix = "verdict-listener-"

  /// The tenant and dataset of a payload.
  package static func parse(_ payload: String) -> (tenant: TenantID, dataset: Int)? {
    let parts = payload.split(separator: ":")
    guard parts.count == 2, let tenant = Int32(parts[0]), let dataset = Int(parts[1]) else { return nil }
    return (TenantID(rawValue: tenant), dataset)
  }
}
