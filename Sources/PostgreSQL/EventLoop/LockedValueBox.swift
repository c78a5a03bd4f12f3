internal import Glibc

/// A value protected by a mutex.
///
/// `Synchronization.Mutex` would suffice, but on Linux the thread sanitizer does not know it and reports every use as a race;
/// it knows pthread_mutex. Sound as `@unchecked Sendable`: the value is accessed only under the lock. The mutex is allocated
/// separately because pthread forbids moving it.
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

  /// Runs the closure with the value under the lock. The closure must neither block nor release the last reference to an object
  /// whose deinit takes the same lock.
  func withLock<T>(_ body: (inout Value) throws -> T) rethrows -> T {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&value)
  }
}
