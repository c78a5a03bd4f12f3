import ArgumentParser
import JobQueue
import VerdictCore

/// Settings of the job queue, the workers and retention, from the environment only, because all processes of an installation
/// share them.
enum JobSettings {
  /// The configuration of the job queue.
  ///
  /// - Throws: `ValidationError` for a number out of its range.
  static func configuration() throws -> JobQueue.Configuration {
    var configuration = JobQueue.Configuration()
    configuration.channels = .verdict
    configuration.lease = .seconds(
      try number("VERDICT_LEASE_SECONDS", "verdict.lease.seconds", 10, in: 1...3_600))
    configuration.runningPerTenant = try number(
      "VERDICT_JOBS_PER_TENANT", "verdict.jobs.per.tenant", 4, in: 1...1_000)
    let days = try number("VERDICT_JOBS_KEPT_DAYS", "verdict.jobs.kept.days", 90, in: 0...36_500)
    configuration.retention = days == 0 ? nil : .seconds(days * 86_400)
    return configuration
  }

  /// The size in bytes of a process's cache of labels for automatic trainings.
  ///
  /// - Throws: `ValidationError` for a number out of its range.
  static func cacheBytes() throws -> Int {
    try number("VERDICT_TRAINING_CACHE_MB", "verdict.training.cache.mb", 256, in: 0...1_048_576) << 20
  }

  /// The retention of audit log entries in days; `nil` for unlimited.
  ///
  /// - Throws: `ValidationError` for a number out of its range.
  static func auditRetentionDays() throws -> Int? {
    let days = try number("VERDICT_AUDIT_KEPT_DAYS", "verdict.audit.kept.days", 365, in: 0...36_500)
    guard days == 0 || days >= 30 else {
      throw ValidationError("VERDICT_AUDIT_KEPT_DAYS must be 0 (unlimited) or at least 30.")
    }
    return days == 0 ? nil : days
  }

  private static func number(
    _ variable: String, _ key: String, _ initial: Int, in range: ClosedRange<Int>
  ) throws -> Int {
    let number = try Environment.number(key, default: initial)
    guard range.contains(number) else {
      throw ValidationError("\(variable) must be from \(range.lowerBound) to \(range.upperBound).")
    }
    return number
  }
}
