/// Why a job failed or was given up, as it is stored and shown to its tenant.
public struct JobErrorRecord: Sendable, Codable, Hashable {
  /// A stable word for programs.
  public var type: String
  /// A sentence for people.
  public var detail: String

  /// A record; see the properties.
  public init(type: String, detail: String) {
    self.type = type
    self.detail = detail
  }

  /// The handler failed with an error that says nothing for the tenant's eyes; the log has it.
  public static let internalError = JobErrorRecord(
    type: "internal-error", detail: "The job failed for a reason inside the server; its log has more.")
  /// The database kept failing.
  public static let databaseError = JobErrorRecord(
    type: "database-error", detail: "The job could not reach or use the database.")
  /// The worker stopped renewing the lease: it was killed, or its machine was cut off.
  public static let workerLost = JobErrorRecord(
    type: "worker-lost", detail: "The worker that was doing the job disappeared.")
  /// A tenant asked for the end.
  public static let cancelled = JobErrorRecord(type: "cancelled", detail: "The job was cancelled on request.")

  /// Another job does the same, or has done it.
  public static func superseded(by id: Int64) -> JobErrorRecord {
    JobErrorRecord(type: "superseded", detail: "Job \(id) does the same.")
  }
}
