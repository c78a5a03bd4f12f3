import Crypto
package import Foundation
package import PostgreSQL

/// What a request asked for under an Idempotency-Key.
package struct IdempotentRequest: Sendable {
  /// The client's name for the request.
  package var key: String
  /// Method, path and query.
  package var operation: String
  /// SHA-256 of the body as it was sent.
  package var bodyHash: Data

  /// Makes a request; see the properties.
  package init(key: String, operation: String, bodyHash: Data) {
    self.key = key
    self.operation = operation
    self.bodyHash = bodyHash
  }
}

/// An answer that is kept, to be given again.
package struct StoredAnswer: Sendable, Equatable {
  /// HTTP status.
  package var status: Int
  /// The headers that belong to the answer, such as `Location`.
  package var headers: [String: String]
  /// The body.
  package var body: Data

  /// Makes an answer; see the properties.
  package init(status: Int, headers: [String: String], body: Data) {
    self.status = status
    self.headers = headers
    self.body = body
  }
}

/// Repeats of requests (the Idempotency-Key header, draft-ietf-httpapi-idempotency-key-header): the answer is stored in
/// the transaction of its effect, so that there is never one without the other.
package enum Idempotency {
  /// For how long an answer is given again.
  package static let lifetime = Duration.seconds(24 * 60 * 60)

  /// Takes the key for the rest of the transaction, and returns the answer that was given under it before.
  ///
  /// - Returns: `nil` when the request is new: do it, then call ``complete(_:_:answer:in:)``.
  /// - Throws: ``DomainError/idempotencyKeyInUse`` while another transaction has the key,
  ///   ``DomainError/idempotencyKeyReused`` when the key came with another request.
  package static func begin(
    _ tenant: TenantID, _ request: IdempotentRequest, in tx: Transaction
  ) async throws -> StoredAnswer? {
    let locked = try await tx.query(
      "SELECT pg_try_advisory_xact_lock(\(lockNumber(tenant, request.key)))"
    ).single().decode(Bool.self)
    guard locked else { throw DomainError.idempotencyKeyInUse }
    let rows = try await tx.query(
      """
      SELECT operation, body_hash, status, headers, body FROM idempotency_keys
      WHERE tenant_id = \(tenant) AND key = \(request.key)
        AND created_at > now() - make_interval(secs => \(Double(lifetime.components.seconds)))
      """)
    guard let row = rows.first else { return nil }
    let (operation, hash, status, headers, body) = try row.decode(
      String.self, Data.self, Int.self, JSONB.self, Data.self)
    guard operation == request.operation, hash == request.bodyHash else {
      throw DomainError.idempotencyKeyReused
    }
    return StoredAnswer(status: status, headers: try headers.decode([String: String].self), body: body)
  }

  /// Keeps the answer, in the transaction that has the key.
  ///
  /// What other transactions keep at this moment is not seen: a tenant can go beyond its limit by as much.
  ///
  /// - Throws: ``DomainError/quotaExceeded(_:maximum:present:)`` when the tenant's answers take more than they may.
  package static func complete(
    _ tenant: TenantID, _ request: IdempotentRequest, answer: StoredAnswer, in tx: Transaction
  ) async throws {
    let results = try await tx.pipeline([
      """
      INSERT INTO idempotency_keys (tenant_id, key, operation, body_hash, status, headers, body)
      VALUES (\(tenant), \(request.key), \(request.operation), \(request.bodyHash), \(answer.status),
              \(try JSONB(answer.headers)), \(answer.body))
      ON CONFLICT (tenant_id, key) DO UPDATE SET
        operation = excluded.operation, body_hash = excluded.body_hash, status = excluded.status,
        headers = excluded.headers, body = excluded.body, created_at = now()
      """,
      // The trigger of the table keeps the count.
      """
      SELECT coalesce((limits->>'answer_bytes')::bigint, \(Quota.answerBytes.standard ?? .max)),
             (SELECT coalesce(sum(bytes), 0)::bigint FROM answer_counts WHERE tenant_id = \(tenant))
      FROM tenants WHERE tenant_id = \(tenant)
      """,
    ])
    guard let (maximum, stored) = try results.last?.first?.decode(Int.self, Int.self), stored > maximum else {
      return
    }
    // As the trigger counts it.
    let own = answer.body.count + request.operation.utf8.count + 1_000
    throw DomainError.quotaExceeded(.answerBytes, maximum: maximum, present: max(0, stored - own))
  }

  /// The deletion of the answers of a tenant that are not given again any more.
  static func deletion(for tenant: TenantID) -> BoundedDeletion {
    BoundedDeletion(
      answersOf: tenant,
      where: "created_at < now() - make_interval(secs => \(Double(lifetime.components.seconds)))",
      stepSize: rowsPerStep)
  }

  /// How many answers one transaction removes at most.
  static let rowsPerStep = 1_000

  /// The number of the advisory lock that stands for a key (PostgreSQL manual, section 13.3.5).
  private static func lockNumber(_ tenant: TenantID, _ key: String) -> Int64 {
    var hash = SHA256()
    hash.update(data: Data("idempotency:\(tenant.rawValue):".utf8))
    hash.update(data: Data(key.utf8))
    return hash.finalize().prefix(8).reduce(0) { $0 << 8 | Int64($1) }
  }
}
