#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// An advisory lock on a file (flock(2)), held by the open descriptor. The kernel releases it when the process dies, so locks
/// are never stale, and two holders inside one process exclude each other.
final class FileLock: Sendable {
  enum Mode {
    case shared, exclusive
  }

  let path: String
  private let descriptor: Int32

  private init(path: String, descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// The lock; `nil` while another descriptor holds it.
  static func attempt(_ path: String, _ mode: Mode) throws -> FileLock? {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw FileSystem.failure("open", path) }
    let lock = FileLock(path: path, descriptor: descriptor)
    while flock(descriptor, (mode == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0 {
      switch errno {
      case EINTR: continue
      case EWOULDBLOCK: return nil
      default: throw FileSystem.failure("lock", path)
      }
    }
    return lock
  }

  /// Waits for the lock without blocking a thread.
  ///
  /// - Throws: `CancellationError` when the task is cancelled.
  static func acquire(_ path: String, _ mode: Mode) async throws -> FileLock {
    while true {
      if let lock = try attempt(path, mode) { return lock }
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  /// Releases the lock at once.
  func release() { _ = flock(descriptor, LOCK_UN) }

  /// Writes the process's id into the file, for the error message of a second process.
  func recordProcessID() {
    let text = Array("\(getpid())\n".utf8)
    _ = ftruncate(descriptor, 0)
    _ = text.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
  }

  /// The process id that the holder has written.
  static func recordedProcessID(_ path: String) -> Int32? {
    FileSystem.text(path).flatMap { Int32($0.filter { !$0.isWhitespace }) }
  }
}
