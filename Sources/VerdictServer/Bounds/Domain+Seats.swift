import VerdictCore

extension Domain {
  /// From how many bytes on the database has so much to do with a body that it needs a seat.
  private static let large = 256 << 10

  /// Does the database's work with a body of so many bytes; with a large one, not beside too many others.
  ///
  /// - Throws: ``Seats/Full``, and what `work` throws.
  func seated<T>(_ tenant: TenantID, bytes: Int, _ work: () async throws -> T) async throws -> T {
    bytes >= Self.large ? try await seated(tenant, work) : try await work()
  }

  /// Does what takes the database long, not beside too much of the kind.
  ///
  /// - Throws: ``Seats/Full``, and what `work` throws.
  func seated<T>(_ tenant: TenantID, _ work: () async throws -> T) async throws -> T {
    let seat = try await seats.take(.work, for: tenant)
    defer { seat.leave() }
    return try await work()
  }
}
