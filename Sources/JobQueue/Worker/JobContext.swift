public import PostgreSQL

/// A handler's view of its attempt: the job, cancellation, progress and the job's end. Usable from any thread.
public struct JobContext: Sendable {
  /// The job as it was when it was claimed.
  public var job: Job { control.lease.job }

  let control: JobControl
  let queue: JobQueue

  /// Whether the attempt must stop: the job was cancelled or lost, or the worker shuts down. Work that does not observe its
  /// task's cancellation, such as a computation on threads of its own, polls this; any error ends it.
  public var isCancelled: Bool { control.stopReason != nil }

  /// Throws `CancellationError` when the attempt must stop.
  public func checkCancellation() throws {
    if isCancelled { throw CancellationError() }
  }

  /// Reports progress. Cheap: the latest report is stored about twice a second.
  ///
  /// - Parameters:
  ///   - fraction: clamped to 0…1.
  ///   - phase: the current step, in a word.
  public func report(_ fraction: Double, phase: String? = nil) {
    let fraction = fraction.isNaN ? 0 : min(max(fraction, 0), 1)
    control.report(Progress(fraction: fraction, phase: phase))
  }

  /// Ends the job with its result in the handler's own transaction, as its last statement: the handler's writes and the
  /// end of the job commit together or not at all. A handler that never calls it ends the job by returning.
  ///
  /// - Throws: ``JobQueueError/leaseLost(id:)``, ``JobQueueError/cancelRequested(id:)``; the handler must roll back and
  ///   rethrow them.
  public nonisolated(nonsending) func finish(
    _ result: some Encodable & Sendable, in transaction: Transaction
  ) async throws {
    try await queue.succeed(control.lease, result: JSONB(result), in: transaction)
    control.markFinished()
  }
}
