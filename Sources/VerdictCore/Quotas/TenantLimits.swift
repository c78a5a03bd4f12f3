import JobQueue
package import PostgreSQL

/// A resource whose use by a tenant is limited.
///
/// This file is the one definition of a limit: its name in JSON and in `tenants.limits`, its default, its bounds and the SQL
/// of its use. A new limit needs a case here, an option of `verdict tenant set`, and the code that enforces it.
package enum Quota: String, Sendable, CaseIterable {
  /// Labels stored, over all datasets.
  case rows
  /// Datasets.
  case datasets
  /// API keys.
  case keys
  /// Predictions stored, over all datasets.
  case predictions
  /// Bytes of one request's body after decompression, unless the path accepts less.
  case bodyBytes = "body_bytes"
  /// Requests a second to one server process, with a burst of a second's worth.
  case requestsPerSecond = "requests_per_second"
  /// Trainings that run at a time.
  case jobs
  /// Requested trainings that wait, over all datasets. Automatic ones do not count: at most one waits for a dataset.
  case queuedJobs = "queued_jobs"
  /// Bytes of the responses that are stored for replays under an Idempotency-Key.
  case answerBytes = "answer_bytes"

  /// The limit of a tenant that has none of its own; `nil` where the server's configuration decides.
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

  /// The values that a limit may have.
  package var range: ClosedRange<Int> {
    switch self {
    case .bodyBytes, .requestsPerSecond: 1...1_000_000_000_000_000
    case .rows, .datasets, .keys, .predictions, .jobs, .queuedJobs, .answerBytes: 0...1_000_000_000_000_000
    }
  }

  /// The plural noun for sentences such as “The tenant may have 100 API keys”.
  package var noun: String {
    switch self {
    case .rows: "labels"
    case .datasets: "datasets"
    case .keys: "API keys"
    case .predictions: "stored predictions"
    case .bodyBytes: "bytes a body"
    case .requestsPerSecond: "requests a second"
    case .jobs: "concurrent trainings"
    case .queuedJobs: "waiting trainings"
    case .answerBytes: "bytes of responses kept for replays"
    }
  }

  /// The statement that returns how much a tenant uses, as one bigint; `nil` where nothing is stored. No statement reads a
  /// row for each label or prediction: those have counters.
  func usage(of tenant: TenantID) -> Query? {
    switch self {
    case .rows:
      """
      SELECT coalesce(sum(positives + negatives), 0)::bigint FROM label_counts WHERE tenant_id = \(tenant)
      """
    case .datasets:
      "SELECT count(*) FROM datasets WHERE tenant_id = \(tenant) AND writable AND deleted_at IS NULL"
    case .keys: "SELECT count(*) FROM api_keys WHERE tenant_id = \(tenant)"
    case .predictions:
      "SELECT coalesce(sum(stored), 0)::bigint FROM prediction_counts WHERE tenant_id = \(tenant)"
    case .jobs: JobQueue.runningCount(tenant: tenant.rawValue, kind: TrainingJobs.kind)
    case .queuedJobs: JobQueue.waitingCount(tenant: tenant.rawValue, kind: TrainingJobs.kind)
    case .answerBytes:
      "SELECT coalesce(sum(bytes), 0)::bigint FROM answer_counts WHERE tenant_id = \(tenant)"
    case .bodyBytes, .requestsPerSecond: nil
    }
  }
}

/// The limits of a tenant's own; ``Quota/standard`` applies to the rest. Stored as a JSON object in `tenants.limits`.
package struct TenantLimits: Sendable, Equatable, Codable {
  private var own: [String: Int]

  /// Creates limits without any own values; the standard ones apply.
  package init() { own = [:] }

  /// The tenant's own limit; `nil` without one.
  package subscript(set quota: Quota) -> Int? {
    get { own[quota.rawValue] }
    set { own[quota.rawValue] = newValue }
  }

  /// The limit that applies; `nil` where the server's configuration decides.
  package subscript(quota: Quota) -> Int? { own[quota.rawValue] ?? quota.standard }

  /// Decodes the tenant's own limits.
  package init(from decoder: any Decoder) throws {
    own = try decoder.singleValueContainer().decode([String: Int].self)
  }

  /// Encodes the tenant's own limits.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(own)
  }
}
