import VerdictCore

/// The largest bodies after decompression, in bytes.
enum BodyLimits {
  /// All other bodies.
  static let small = 1 << 20
  /// Batches of labels and of predictions as one JSON document.
  static let batch = 64 << 20
  /// Streams of labels as NDJSON or CSV.
  static let stream = 1 << 30

  /// Files from whose beginning a schema is inferred.
  static let inference = 64 << 20
  /// The beginning of a file from which a schema is inferred.
  static let inferenceSample = 8 << 20

  /// The own limit of the tenant whose request the current task handles, if any.
  @TaskLocal static var tenant: Int?
}

extension TaskLocal<Int?> {
  /// Runs the closure under a tenant's own limit, if it has one; the usual case without one costs nothing.
  func withValue<T>(
    of limits: TenantLimits, _ body: () async throws -> T
  ) async rethrows -> T {
    guard let own = limits[set: .bodyBytes] else { return try await body() }
    return try await within(own, body)
  }

  /// Not inlined, so that the frames of requests of other tenants stay small.
  @inline(never)
  private func within<T>(_ own: Int, _ body: () async throws -> T) async rethrows -> T {
    try await withValue(own, operation: body)
  }
}
