internal import DequeModule
internal import Synchronization

/// Names one use of a connection, so that a cancellation can only meet the use that it is meant for.
enum OperationID {
  private static let counter = Atomic<UInt64>(1)

  static func next() -> UInt64 { counter.wrappingAdd(1, ordering: .relaxed).oldValue }
}

/// Why an operation is to end early.
enum Interruption: Sendable {
  case cancelled
  case statementTimeout
}

/// Who uses a connection now, and who is next. Part of the connection's actor.
struct OperationQueue {
  private struct Waiting {
    let id: UInt64
    let continuation: UnsafeContinuation<Bool, Never>
  }

  private(set) var current: UInt64?
  private var reason: Interruption?
  private var waiting = Deque<Waiting>()

  var isBusy: Bool { current != nil }

  /// Why this operation is to end, if it is.
  func interruption(of id: UInt64) -> Interruption? { current == id ? reason : nil }

  /// Notes the first reason. False if the operation is not the current one or is ending already.
  mutating func interrupt(_ id: UInt64, _ reason: Interruption) -> Bool {
    guard current == id, self.reason == nil else { return false }
    self.reason = reason
    return true
  }

  mutating func begin(_ id: UInt64) {
    current = id
    reason = nil
  }

  mutating func append(_ id: UInt64, _ continuation: UnsafeContinuation<Bool, Never>) {
    waiting.append(Waiting(id: id, continuation: continuation))
  }

  /// Takes a waiting operation out; it will see false.
  mutating func giveUp(_ id: UInt64) {
    guard let index = waiting.firstIndex(where: { $0.id == id }) else { return }
    waiting.remove(at: index).continuation.resume(returning: false)
  }

  /// Hands over to the next one.
  mutating func end() {
    current = nil
    reason = nil
    guard let next = waiting.popFirst() else { return }
    current = next.id
    next.continuation.resume(returning: true)
  }
}
