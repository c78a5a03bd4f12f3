import Foundation
import PostgreSQL

extension Feedback {
  /// Finds the predictions of statements about references.
  ///
  /// - Returns: the statements with their predictions, and the refusals of those without one and of those about a prediction that an
  ///   earlier statement is about.
  func resolve(
    _ statements: [Statement], _ tenant: TenantID, _ dataset: Int, in tx: Transaction
  ) async throws -> (resolved: [Resolved], refusals: [Refusal]) {
    let references = statements.compactMap { statement -> String? in
      if case .reference(let reference) = statement.subject { reference } else { nil }
    }
    let found = try await predictions(of: references, tenant, dataset, in: tx)
    var resolved: [Resolved] = []
    var refusals: [Refusal] = []
    resolved.reserveCapacity(statements.count)
    var seen: Set<UUID> = []
    for (position, statement) in statements.enumerated() {
      let id: UUID?
      switch statement.subject {
      case .id(let given): id = given
      case .reference(let reference): id = found[reference]
      }
      guard let id else {
        refusals.append(Refusal(position: position, subject: statement.subject, reason: .unknown))
        continue
      }
      // Ids alone are distinct already.
      guard references.isEmpty || seen.insert(id).inserted else {
        refusals.append(Refusal(position: position, subject: statement.subject, reason: .repeated))
        continue
      }
      resolved.append(
        Resolved(position: position, subject: statement.subject, id: id, trueLabel: statement.trueLabel))
    }
    return (resolved, refusals)
  }

  /// The prediction of each case: the newest of those with a label, or the newest.
  private func predictions(
    of references: [String], _ tenant: TenantID, _ dataset: Int, in tx: Transaction
  ) async throws -> [String: UUID] {
    guard !references.isEmpty else { return [:] }
    // One look-up in the index for each reference, whatever the planner's statistics say.
    let results = try await tx.pipeline([
      "SET LOCAL enable_seqscan = off",
      """
      SELECT s.reference, (
        SELECT p.id FROM predictions p
        LEFT JOIN labels l
          ON l.tenant_id = p.tenant_id AND l.dataset_id = p.dataset_id AND l.prediction_id = p.id
        WHERE p.tenant_id = \(tenant) AND p.dataset_id = \(dataset) AND p.reference = s.reference
        ORDER BY l.id IS NULL, p.id DESC LIMIT 1)
      FROM unnest(\(references)) AS s(reference)
      """,
      "SET LOCAL enable_seqscan TO DEFAULT",
    ])
    return try results[1].reduce(into: [:]) { found, row in
      let (reference, id) = try row.decode(String.self, UUID?.self)
      found[reference] = id
    }
  }
}
