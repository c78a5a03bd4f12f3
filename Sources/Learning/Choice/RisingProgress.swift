import Synchronization

/// Passes the progress of two trainers on, with a share that never falls.
final class RisingProgress: Sendable {
  private let highest = Mutex(0.0)
  private let next: @Sendable (TrainingProgress) -> Void

  init(_ next: @escaping @Sendable (TrainingProgress) -> Void) { self.next = next }

  /// Receives progress.
  var report: @Sendable (TrainingProgress) -> Void {
    { [self] progress in
      var progress = progress
      progress.fraction = highest.withLock { highest in
        highest = max(highest, progress.fraction)
        return highest
      }
      next(progress)
    }
  }
}
