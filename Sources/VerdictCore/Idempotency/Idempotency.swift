package import Foundation
package import PostgreSQL

/// The identity of a request under an Idempotency-Key.
package struct IdempotentRequest: Sendable {
  /// The client's name for the request.
  package var key: String
  /// The operation, such as method, path and query.
  package var operation: String
  /// SHA-256 of the body as it was sent.
  package var bodyHash: Data
  /// The name of the dataset that the request is about, if it is about one.
  package var dataset: String?

  /// Creates an identity; see the properties.
  package init(key: String, operation: String, bodyHash: Data, dataset: String? = nil) {
    self.key = key
    self.operation = operation
    self.bodyHash = bodyHash
    self.dataset = dataset
  }
}

/// The result of a request, stored for replays. The domain does not interpret it.
package struct StoredResult: Sendable, Equatable {
  /// A number that the caller classifies the result by.
  package var code: Int
  /// Names and values beside the bytes.
  package var metadata: [String: String]
  /// The bytes of the result.
  package var body: Data

  /// Creates a result; see the properties.
  package init(code: Int, metadata: [String: String], body: Data) {
    self.code = code
    self.metadata = metadata
    self.body = body
  }
}

/// A result that is stored under a key, with the identity of its request.
package struct KeptResult: Sendable {
  fileprivate var operation: String
  fileprivate var bodyHash: Data
  fileprivate var result: StoredResult

  /// The result, for a repetition of its request.
  ///
  /// - Throws: ``DomainError/idempotencyKeyReused`` for another request, ``DomainError/answerErased`` if an erasure has removed the
  ///   result.
  package func result(of request: IdempotentRequest) throws(DomainError) -> StoredResult {
    guard operation == request.operation, bodyHash == request.bodyHash else { throw .idempotencyKeyReused }
    guard result.code != Idempotency.erasedCode else { throw .answerErased }
    return result
  }
}

/// The results of requests with an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header). A result is stored in the
/// transaction of its effect, so that neither exists without the other.
///
/// A result belongs to the dataset that its request was about. After the deletion of the dataset it is no result any more, and
/// the request is new, also where a new dataset has the same name.
package enum Idempotency {
  /// How long a result is replayed.
  package static let lifetime = Duration.seconds(24 * 60 * 60)

  /// How many results one transaction of the maintenance removes at most.
  static let rowsPerStep = 1_000

  /// Locks the key until the end of the transaction and returns the result stored under it.
  ///
  /// - Returns: `nil` for a new request, whose result ``complete(_:_:result:in:)`` must store.
  /// - Throws: ``DomainError/idempotencyKeyInUse`` while another transaction holds the key,
  ///   ``DomainError/idempotencyKeyReused`` if the key belongs to another request.
  package static func begin(
    _ tenant: TenantID, _ request: IdempotentRequest, in tx: Transaction
  ) async throws -> StoredResult? {
    let isLocked = try await tx.query(AdvisoryLock.idempotencyKey(tenant, request.key)).single().decode(
      Bool.self)
    guard isLocked else { throw DomainError.idempotencyKeyInUse }
    return try await kept(tenant, key: request.key, dataset: request.dataset, in: tx)?.result(of: request)
  }

  /// The result that is stored under a key, without a lock.
  ///
  /// - Parameter dataset: the name of the dataset that the request is about.
  package static func kept(
    _ tenant: TenantID, key: String, dataset: String?, in tx: some QueryExecutor
  ) async throws -> KeptResult? {
    // A result without the number of its dataset, of an older server, belongs to a dataset that is not younger than itself.
    let rows = try await tx.query(
      """
      SELECT operation, body_hash, status, headers, body FROM idempotency_keys k
      WHERE k.tenant_id = \(tenant) AND k.key = \(key)
        AND k.created_at > now() - make_interval(secs => \(lifetime / .seconds(1)))
        AND CASE WHEN k.dataset_id IS NULL THEN NOT EXISTS (
              SELECT FROM datasets d WHERE d.tenant_id = \(tenant) AND d.name = \(dataset) AND d.created_at > k.created_at)
            ELSE EXISTS (
              SELECT FROM datasets d WHERE d.tenant_id = \(tenant) AND d.id = k.dataset_id AND d.writable AND d.deleted_at IS NULL) END
      """)
    guard let row = rows.first else { return nil }
    let (operation, hash, code, metadata, body) = try row.decode(
      String.self, Data.self, Int.self, JSONB.self, Data.self)
    return KeptResult(
      operation: operation, bodyHash: hash,
      result: StoredResult(code: code, metadata: try metadata.decode([String: String].self), body: body))
  }

  /// The result that is stored under a key, in a transaction of its own.
  package static func kept(
    _ tenant: TenantID, key: String, dataset: String?, in database: Database
  ) async throws -> KeptResult? {
    try await database.lookUp(for: tenant) { try await kept(tenant, key: key, dataset: dataset, in: $0) }
  }

  /// Stores a result in the transaction that holds the key.
  ///
  /// Results that other transactions store at the same moment are not visible here: a tenant can exceed its limit by them.
  ///
  /// - Throws: ``DomainError/quotaExceeded(_:maximum:present:)`` if the tenant's results exceed their limit.
  package static func complete(
    _ tenant: TenantID, _ request: IdempotentRequest, result: StoredResult, in tx: Transaction
  ) async throws {
    let results = try await tx.pipeline([
      """
      INSERT INTO idempotency_keys (tenant_id, key, operation, body_hash, status, headers, body, dataset_id)
      SELECT \(tenant), \(request.key), \(request.operation), \(request.bodyHash), \(result.code),
             \(try JSONB(result.metadata)), \(result.body), d.id
      FROM (SELECT) one LEFT JOIN datasets d ON d.tenant_id = \(tenant) AND d.name = \(request.dataset)
      ON CONFLICT (tenant_id, key) DO UPDATE SET
        operation = excluded.operation, body_hash = excluded.body_hash, status = excluded.status,
        headers = excluded.headers, body = excluded.body, created_at = now(), dataset_id = excluded.dataset_id
      """,
      // The table's trigger has updated the count.
      QuotaUsage.statement(.answerBytes, of: tenant),
    ])
    guard let usage = try results.last?.first.map(QuotaUsage.init), usage.present > usage.maximum else {
      return
    }
    // The size as the trigger counts it.
    let own = result.body.count + request.operation.utf8.count + 1_000
    throw DomainError.quotaExceeded(
      .answerBytes, maximum: usage.maximum, present: max(0, usage.present - own))
  }

  /// Replaces the stored result of a request whose response took longer than its transaction. Its age stays.
  package static func replace(
    _ tenant: TenantID, _ request: IdempotentRequest, with result: StoredResult, in tx: Transaction
  ) async throws {
    try await tx.query(
      """
      UPDATE idempotency_keys
      SET status = \(result.code), headers = \(try JSONB(result.metadata)), body = \(result.body)
      WHERE tenant_id = \(tenant) AND key = \(request.key) AND operation = \(request.operation)
        AND body_hash = \(request.bodyHash) AND status <> \(erasedCode)
      """)
  }

  /// The code of a result that an erasure has removed; no other result has it. An older server replays it as 410 without a body.
  static let erasedCode = 410

  /// Removes the next results of requests about rows of a dataset, in the order of their keys after `key`. The keys stay until they
  /// expire: a repetition of such a request is neither answered nor carried out again, since that would store the rows once more.
  ///
  /// Results are stored as bytes in the format of their response, and those of predictions name rows by ids that may be gone. So the
  /// results are not searched: all of them go that may be about one row. A result that is locked has expired, and is being replaced by
  /// that of a new request.
  ///
  /// - Returns: the keys, fewer than `limit` at the end.
  static func erase(
    _ tenant: TenantID, of dataset: Dataset, after key: String, limit: Int, in tx: Transaction
  ) async throws -> [String] {
    let path = "POST /v1/datasets/\(dataset.name)/"
    let keys = try await tx.query(
      """
      SELECT key FROM idempotency_keys
      WHERE tenant_id = \(tenant) AND key > \(key) AND status <> \(erasedCode)
        AND (dataset_id = \(dataset.id) OR dataset_id IS NULL AND starts_with(operation, \(path)))
        AND operation ~ '^POST /[^?]*/(labels|predictions)'
      ORDER BY key LIMIT \(limit) FOR UPDATE SKIP LOCKED
      """
    ).map { try $0.decode(String.self) }
    guard !keys.isEmpty else { return [] }
    try await tx.query(
      """
      UPDATE idempotency_keys SET status = \(erasedCode), headers = '{}', body = ''
      WHERE tenant_id = \(tenant) AND key = ANY(\(keys))
      """)
    return keys
  }

  /// The deletion of a tenant's expired results.
  static func deletion(for tenant: TenantID) -> BoundedDeletion {
    BoundedDeletion(
      answersOf: tenant,
      where: "created_at < now() - make_interval(secs => \(lifetime / .seconds(1)))",
      stepSize: rowsPerStep)
  }
}
