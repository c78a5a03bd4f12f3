import Logging
import PostgreSQL

extension JobQueue {
  /// Puts the jobs back whose lease ran out, at most `limit`: their workers are dead or cut off, and whatever these
  /// still finish will be refused. A job whose attempts are used up has failed.
  ///
  /// A job that its worker is just ending is locked and left alone, however old its lease.
  /// - Returns: how many.
  @discardableResult
  public func rescue(limit: Int = 20) async throws -> Int {
    try await requeuing { transaction in
      let jobs = try await transaction.query(
        """
        SELECT \(Job.columns) FROM jobs
        WHERE kind = \(kind) AND state = 'running' AND lease_expires_at < clock_timestamp()
        ORDER BY lease_expires_at LIMIT \(limit) FOR UPDATE SKIP LOCKED
        """
      ).map(Job.init)
      for job in jobs {
        logger.warning(
          "the worker of a job has disappeared",
          metadata: ["tenant": "\(job.tenant)", "job": "\(job.id)", "attempt": "\(job.attempt)"])
        if job.cancelRequested {
          try await conclude(job, .cancelled, .cancelled, in: transaction)
        } else if job.attempt >= job.maxAttempts {
          try await conclude(job, .failed, .workerLost, in: transaction)
        } else {
          try await requeue(job, after: .zero, failure: .workerLost, in: transaction)
        }
      }
      return jobs.count
    }
  }
}
