/// The reason of a job's failure or cancellation, as it is stored and shown to the tenant.
public struct JobErrorRecord: Sendable, Codable, Hashable {
  /// A stable identifier for programs.
  public var type: String
  /// A sentence for people.
  public var detail: String

  /// A record; see the properties.
  public init(type: String, detail: String) {
    self.type = type
    self.detail = detail
  }

  /// The handler failed with an error that is not shown to tenants; the log has it.
  public static let internalError = JobErrorRecord(
    type: "internal-error", detail: "The job failed for a reason inside the server; its log has more.")
  /// The database kept failing.
  public static let databaseError = JobErrorRecord(
    type: "database-error", detail: "The job could not reach or use the database.")
  /// The lease expired: the worker was killed or cut off from the database.
  public static let workerLost = JobErrorRecord(
    type: "worker-lost", detail: "The worker that was doing the job disappeared.")
  /// The leases of several attempts in a row expired.
  static func workersLost(_ count: Int) -> JobErrorRecord {
    JobErrorRecord(
      type: workerLost.type,
      detail:
        "\(count) workers in a row disappeared while they were doing the job, as when it needs more memory than they have. It is not tried again."
    )
  }
  /// Cancellation on request.
  public static let cancelled = JobErrorRecord(type: "cancelled", detail: "The job was cancelled on request.")

  /// Another job does the same work, or has done it.
  public static func superseded(by id: Int64) -> JobErrorRecord {
    JobErrorRecord(type: "superseded", detail: "Job \(id) does the same.")
  }
}
