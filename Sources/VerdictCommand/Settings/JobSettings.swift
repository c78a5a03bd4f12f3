import ArgumentParser
import JobQueue

/// Settings of the job queue and its workers, from the environment alone: all processes of an installation share them.
enum JobSettings {
  /// - Throws: `ValidationError` for a number out of its range.
  static func configuration() throws -> JobQueue.Configuration {
    var configuration = JobQueue.Configuration()
    configuration.lease = .seconds(
      try number("VERDICT_LEASE_SECONDS", "verdict.lease.seconds", 10, in: 1...3_600))
    configuration.runningPerTenant = try number(
      "VERDICT_JOBS_PER_TENANT", "verdict.jobs.per.tenant", 4, in: 1...1_000)
    let days = try number("VERDICT_JOBS_KEPT_DAYS", "verdict.jobs.kept.days", 90, in: 0...36_500)
    configuration.retention = days == 0 ? nil : .seconds(days * 86_400)
    return configuration
  }

  /// How many bytes of labels a process keeps for the next training of datasets that train by themselves.
  ///
  /// - Throws: `ValidationError` for a number out of its range.
  static func cacheBytes() throws -> Int {
    try number("VERDICT_TRAINING_CACHE_MB", "verdict.training.cache.mb", 256, in: 0...1_048_576) << 20
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
