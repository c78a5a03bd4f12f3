internal import Glibc

/// Starts a detached thread. A process that cannot have one more thread cannot go on.
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

/// Runs a call that may block (name resolution, PQcancel) on a thread of its own, so that it holds up neither
/// an event loop nor Swift's concurrency pool. Both are rare, and a slow one must not delay the others.
func runBlocking<T: Sendable>(_ body: @escaping @Sendable () -> T) async -> T {
  await withCheckedContinuation { continuation in
    startDetachedThread { continuation.resume(returning: body()) }
  }
}
