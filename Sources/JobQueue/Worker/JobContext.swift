public import PostgreSQL

/// What a handler knows of the attempt that it makes, and how it talks to the queue. Can be used from any thread.
public struct JobContext: Sendable {
  /// The job as it stood when it was taken up.
  public var job: Job { control.lease.job }

  let control: JobControl
  let queue: JobQueue

  /// Whether to stop: the job was cancelled or lost, or the worker shuts down. Work that does not look at its task's
  /// cancellation, such as a computation on threads of its own, looks here; what it throws then does not matter.
  public var isCancelled: Bool { control.stopReason != nil }

  /// Throws `CancellationError` when the attempt is to stop.
  public func checkCancellation() throws {
    if isCancelled { throw CancellationError() }
  }

  /// Tells how far the job has come. Costs next to nothing: what was said last is stored about twice a second.
  ///
  /// - Parameters:
  ///   - fraction: 0…1; what lies outside is moved to the nearer end.
  ///   - phase: what is being done, in a word.
  public func report(_ fraction: Double, phase: String? = nil) {
    let fraction = fraction.isNaN ? 0 : min(max(fraction, 0), 1)
    control.report(Progress(fraction: fraction, phase: phase))
  }

  /// Ends the job with its result in the handler's own transaction, as its last statement: the handler's writes and the
  /// end of the job become true together or not at all. A handler that never calls it ends the job by returning.
  ///
  /// - Throws: ``JobQueueError/leaseLost(id:)``, ``JobQueueError/cancelRequested(id:)``: let the transaction roll back
  ///   and throw them on.
  public nonisolated(nonsending) func finish(
    _ result: some Encodable & Sendable, in transaction: Transaction
  ) async throws {
    try await queue.succeed(control.lease, result: JSONB(result), in: transaction)
    control.markFinished()
  }
}
