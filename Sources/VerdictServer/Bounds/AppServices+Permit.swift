import VerdictCore

extension AppServices {
  /// From how many bytes on the database has so much to do with a body that it needs a seat.
  private static let large = 256 << 10

  /// Does the database's work with a body of so many bytes; with a large one, not beside too many others.
  ///
  /// - Throws: ``ConnectionLimiter/Full``, and what `work` throws.
  func withPermit<T>(_ tenant: TenantID, bytes: Int, _ work: () async throws -> T) async throws -> T {
    bytes >= Self.large ? try await withPermit(tenant, work) : try await work()
  }

  /// Does what takes the database long, not beside too much of the kind.
  ///
  /// - Throws: ``ConnectionLimiter/Full``, and what `work` throws.
  func withPermit<T>(_ tenant: TenantID, _ work: () async throws -> T) async throws -> T {
    let permit = try await connectionLimiter.take(.work, for: tenant)
    defer { permit.leave() }
    return try await work()
  }
}
