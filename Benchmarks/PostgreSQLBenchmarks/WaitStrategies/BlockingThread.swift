import Foundation

/// A thread that blocks in libpq for the results of one connection. Sound as `@unchecked Sendable`: the condition's lock protects
/// the request.
final class BlockingThread: @unchecked Sendable {
  private let condition = NSCondition()
  private var request: (id: Int, continuation: UnsafeContinuation<Void, Never>)?
  private var hasEnded = false

  init(_ connection: RawConnection) {
    Thread.detachNewThread { [self] in
      while let (id, continuation) = nextRequest() {
        connection.execute(id)
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
