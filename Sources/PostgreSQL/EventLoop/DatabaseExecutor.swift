extension EventLoop {
  /// The event loop of the process. One thread wakes several hundred thousand waiting tasks a second, more than the number of
  /// statements that a server answers.
  static let shared = EventLoop()
}

/// The event loop's thread as a task executor.
///
/// A task that mostly talks to the database receives its results there without a thread switch, for about half the processor
/// time a statement:
/// ```
/// await withTaskExecutorPreference(DatabaseExecutor.shared) { … }
/// ```
/// Long computations must not run there: they delay the results of all connections of the process.
public enum DatabaseExecutor {
  /// The event loop of the process.
  public static var shared: any TaskExecutor { EventLoop.shared }
}
