import Foundation

/// A thread that waits in libpq for one connection's answers. Sound as `@unchecked Sendable`: the request is
/// behind the condition's lock.
final class Lane: @unchecked Sendable {
  private let condition = NSCondition()
  private var request: (id: Int, continuation: UnsafeContinuation<Void, Never>)?
  private var hasEnded = false

  init(_ session: Session) {
    Thread.detachNewThread { [self] in
      while let (id, continuation) = nextRequest() {
        session.execute(id)
        continuation.resume()
      }
    }
  }

  func execute(_ id: Int) async {
    await withUnsafeContinuation { continuation in
      condition.withLock {
        request = (id, continuation)
        condition.signal()
      }
    }
  }

  func end() {
    condition.withLock {
      hasEnded = true
      condition.signal()
    }
  }

  private func nextRequest() -> (Int, UnsafeContinuation<Void, Never>)? {
    condition.withLock {
      while request == nil, !hasEnded { condition.wait() }
      defer { request = nil }
      return request
    }
  }
}
