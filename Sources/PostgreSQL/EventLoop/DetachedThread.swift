internal import Glibc

/// Starts a detached thread. Traps if the process can create no more threads.
func startDetachedThread(_ body: @escaping @Sendable () -> Void) {
  final class Start: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var attributes = pthread_attr_t()
  pthread_attr_init(&attributes)
  pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
  defer { pthread_attr_destroy(&attributes) }
  var thread = pthread_t()
  // The new thread takes over the retain.
  let start = Unmanaged.passRetained(Start(body))
  let code = pthread_create(
    &thread, &attributes,
    { context in
      guard let context else { return nil }
      let start = Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
      start.body()
      return nil
    }, start.toOpaque())
  if code != 0 {
    start.release()
    preconditionFailure("cannot start a thread: error \(code)")
  }
}

/// Runs a blocking call (name resolution, PQcancel) on a new thread, so that it delays neither the event loop nor Swift's
/// cooperative pool. These calls are rare, and a thread each keeps a slow one from delaying the others.
func runBlocking<T: Sendable>(_ body: @escaping @Sendable () -> T) async -> T {
  await withCheckedContinuation { continuation in
    startDetachedThread { continuation.resume(returning: body()) }
  }
}
