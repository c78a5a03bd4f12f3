import Foundation

/// A process that cleans up after the tests' process, which may be killed at any time.
public enum Watchdog {
  /// Starts a shell in a session of its own. It runs `cleanup` once this process is gone or `directory` is removed.
  public static func start(directory: String, cleanup: String) throws {
    let script = """
      while kill -0 \(getpid()) 2>/dev/null && [ -d '\(directory)' ]; do sleep 0.5; done
      \(cleanup)
      """
    let watchdog = Process()
    watchdog.executableURL = URL(fileURLWithPath: "/usr/bin/setsid")
    watchdog.arguments = ["-f", "/bin/sh", "-c", script]
    watchdog.standardInput = FileHandle.nullDevice
    watchdog.standardOutput = FileHandle.nullDevice
    watchdog.standardError = FileHandle.nullDevice
    try watchdog.run()
  }
}
