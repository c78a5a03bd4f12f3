internal import Glibc

/// A value behind a lock.
///
/// `Synchronization.Mutex` would do, but on Linux the thread sanitizer does not understand it and reports every
/// use as a race; this one stands on pthread_mutex, which it knows. Sound as `@unchecked Sendable`: the value
/// is reached through the lock alone. The mutex has an address of its own because pthread forbids moving it.
final class LockedValueBox<Value>: @unchecked Sendable {
  private var value: Value
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>

  init(_ value: sending Value) {
    self.value = value
    mutex = .allocate(capacity: 1)
    mutex.initialize(to: pthread_mutex_t())
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  /// Runs the closure with the value, alone. The closure must neither wait nor give up the last reference to
  /// anything whose end takes the same lock.
  func withLock<T>(_ body: (inout Value) throws -> T) rethrows -> T {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&value)
  }
}
