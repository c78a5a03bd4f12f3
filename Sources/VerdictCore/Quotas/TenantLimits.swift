/// What a tenant may use of something.
package enum Quota: String, Sendable, CaseIterable {
  /// Labels stored, over all datasets.
  case rows
  /// Datasets.
  case datasets
  /// API keys.
  case keys
  /// Predictions stored, over all datasets.
  case predictions
  /// Bytes of one request's body after decompression, where the path does not take less.
  case bodyBytes = "body_bytes"
  /// Requests a second to one server process, and how many at once.
  case requestsPerSecond = "requests_per_second"
  /// Trainings that run at a time.
  case jobs
  /// Trainings asked for by request that wait, over all datasets.
  case queuedJobs = "queued_jobs"
  /// Bytes of answers that are kept for repeats under an Idempotency-Key.
  case answerBytes = "answer_bytes"

  /// What a tenant may use that nothing else was set for; `nil` where the server's own setting holds.
  package var standard: Int? {
    switch self {
    case .rows, .predictions: 50_000_000
    case .datasets, .queuedJobs: 1_000
    case .keys: 100
    case .bodyBytes, .answerBytes: 1 << 30
    case .requestsPerSecond: 50_000
    case .jobs: nil
    }
  }
}

/// What was set for a tenant; the rest is as ``Quota/standard`` says. Stored as a JSON object.
package struct TenantLimits: Sendable, Equatable, Codable {
  private var own: [String: Int]

  /// Nothing but the standard.
  package init() { own = [:] }

  /// What was set; `nil` where nothing was.
  package subscript(set quota: Quota) -> Int? {
    get { own[quota.rawValue] }
    set { own[quota.rawValue] = newValue }
  }

  /// What holds; `nil` where the server's own setting does.
  package subscript(quota: Quota) -> Int? { own[quota.rawValue] ?? quota.standard }

  /// Whether anything was set.
  package var isStandard: Bool { own.isEmpty }

  /// Reads what was set.
  package init(from decoder: any Decoder) throws {
    own = try decoder.singleValueContainer().decode([String: Int].self)
  }

  /// Writes what was set.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(own)
  }
}
