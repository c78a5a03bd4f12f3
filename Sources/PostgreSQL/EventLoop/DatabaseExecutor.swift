extension EventLoop {
  /// The process's loop. One thread wakes several hundred thousand waiting tasks a second, more than a server
  /// answers statements.
  static let shared = EventLoop()
}

/// The thread that waits for all connections' sockets, as a place to run tasks.
///
/// A task that does little but talk to the database gets its answers without a change of thread there, for about
/// half the processor time a statement:
/// ```
/// await withTaskExecutorPreference(DatabaseExecutor.shared) { … }
/// ```
/// Long computations do not belong there: while they run, no connection of the process hears its answers.
public enum DatabaseExecutor {
  /// The process's loop.
  public static var shared: any TaskExecutor { EventLoop.shared }
}
